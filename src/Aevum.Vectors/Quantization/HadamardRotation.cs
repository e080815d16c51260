// HadamardRotation: turns vectors by a random rotation that costs d log d instead of d^2: signs at random, then a Walsh-Hadamard transform, several rounds.
//
// The length is padded to a multiple of 64 (whole words of bits). A transform needs a power of two: where the padded length is none, rounds go over the
// greatest power of two that fits, in turn at the front and at the back, which overlap; four rounds of each mix everything with everything.
//
// Always true: it is a rotation (possibly with a reflection): lengths and products stay, to rounding. Its signs are part of the codebook.

using System.Numerics;
using System.Runtime.Intrinsics;
using Aevum.Core.Scheduling;

namespace Aevum.Vectors.Quantization;

sealed unsafe class HadamardRotation
{
    readonly ulong[] _signs;   // a bit a component and round; 1 turns the sign
    readonly int _window;

    /// <param name="signs">From <see cref="RandomSigns"/>.</param>
    public HadamardRotation(int dimension, ulong[] signs)
    {
        Dimension = dimension;
        Padded = PaddedFor(dimension);
        _window = 1 << BitOperations.Log2((uint)Padded);
        _signs = signs;
    }

    public int Dimension { get; }

    /// <summary>Components after the rotation: the dimension rounded up to a multiple of 64.</summary>
    public int Padded { get; }

    public ReadOnlySpan<ulong> Signs => _signs;

    public static int PaddedFor(int dimension) => (dimension + 63) & -64;

    /// <summary>How many words of signs a rotation of this dimension has.</summary>
    public static int SignWords(int dimension) => PaddedFor(dimension) / 64 * RoundsFor(dimension);

    public static ulong[] RandomSigns(int dimension, SeededRandom random)
    {
        var signs = new ulong[SignWords(dimension)];
        for (var i = 0; i < signs.Length; i++) signs[i] = random.NextUInt64();
        return signs;
    }

    /// <param name="source"><see cref="Dimension"/> floats.</param>
    /// <param name="target"><see cref="Padded"/> floats; may be the source if that has the room.</param>
    public void Turn(float* source, float* target)
    {
        if (source != target) new ReadOnlySpan<float>(source, Dimension).CopyTo(new(target, Dimension));
        new Span<float>(target + Dimension, Padded - Dimension).Clear();
        for (var round = 0; round < RoundsFor(Dimension); round++)
        {
            TurnSigns(target, round);
            Transform(target + (round % 2 == 0 ? 0 : Padded - _window));
        }
    }

    /// <summary>The way back.</summary>
    /// <param name="values"><see cref="Padded"/> floats, turned in place; the first <see cref="Dimension"/> are the vector.</param>
    public void TurnBack(float* values)
    {
        for (var round = RoundsFor(Dimension) - 1; round >= 0; round--)
        {
            Transform(values + (round % 2 == 0 ? 0 : Padded - _window));
            TurnSigns(values, round);
        }
    }

    // Three rounds over everything, or four at each end.
    static int RoundsFor(int dimension) => BitOperations.IsPow2(PaddedFor(dimension)) ? 3 : 8;

    void TurnSigns(float* values, int round)
    {
        var words = _signs.AsSpan(round * (Padded / 64), Padded / 64);
        for (var i = 0; i < Padded; i++)
            if ((words[i >> 6] >> i & 1) != 0) values[i] = -values[i];
    }

    // In place, with lengths kept: divided by the root of its size.
    void Transform(float* values)
    {
        for (var half = 1; half < 8; half *= 2)
            for (var block = 0; block < _window; block += 2 * half)
                for (var i = block; i < block + half; i++) (values[i], values[i + half]) = (values[i] + values[i + half], values[i] - values[i + half]);
        for (var half = 8; half < _window; half *= 2)
        {
            for (var block = 0; block < _window; block += 2 * half)
            {
                for (var i = block; i < block + half; i += 8)
                {
                    var (a, b) = (Vector256.Load(values + i), Vector256.Load(values + i + half));
                    (a + b).Store(values + i);
                    (a - b).Store(values + i + half);
                }
            }
        }
        var scale = Vector256.Create(1 / MathF.Sqrt(_window));
        for (var i = 0; i < _window; i += 8) (Vector256.Load(values + i) * scale).Store(values + i);
    }
}
