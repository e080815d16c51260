// IFloatLanes: what the float kernels need of a register of some width, so that each kernel is written once and runs in all of them.
//
// The methods are static and the implementing types empty: in a generic method over them each call becomes the instruction behind it. Two rules
// hold in every width: (1) Sum and SumFour add the lanes of a register in the same order, so that a distance does not depend on whether it was
// computed alone or with three others; (2) a vector shorter than one register is not for these kernels.

using System.Runtime.Intrinsics;

namespace Aevum.Vectors;

unsafe interface IFloatLanes<TVector> where TVector : struct
{
    /// <summary>How many floats a register holds.</summary>
    static abstract int Count { get; }

    static abstract TVector Zero { get; }

    static abstract TVector Load(float* source);

    /// <summary>Loads <see cref="Count"/> halves and widens them. They must be finite: infinity and NaN come out as large numbers.</summary>
    static abstract TVector LoadHalves(ushort* source);

    static abstract TVector Add(TVector a, TVector b);

    static abstract TVector Subtract(TVector a, TVector b);

    /// <summary>a * b + c, rounded once where the machine can.</summary>
    static abstract TVector MultiplyAdd(TVector a, TVector b, TVector c);

    static abstract TVector Abs(TVector a);

    /// <summary>The last <paramref name="count"/> lanes as they are, the others 0.</summary>
    static abstract TVector KeepLast(TVector a, int count);

    static abstract float Sum(TVector a);

    static abstract Vector128<float> SumFour(TVector a, TVector b, TVector c, TVector d);
}
