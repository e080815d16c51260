// SetOperation: the four ways to combine two sets, as types, so that one generic algorithm is compiled for each without a branch on which
// one it is. A way is told completely by three answers: does a member of the left alone stay, of the right alone, of both?

using System.Runtime.Intrinsics;

namespace Aevum.Core.Bitmaps;

interface ISetOperation
{
    static abstract bool KeepsLeft { get; }

    static abstract bool KeepsRight { get; }

    static abstract bool KeepsBoth { get; }

    static abstract Vector512<ulong> Of(Vector512<ulong> left, Vector512<ulong> right);

    static abstract Vector256<ulong> Of(Vector256<ulong> left, Vector256<ulong> right);
}

readonly struct And : ISetOperation
{
    public static bool KeepsLeft => false;

    public static bool KeepsRight => false;

    public static bool KeepsBoth => true;

    public static Vector512<ulong> Of(Vector512<ulong> left, Vector512<ulong> right) => left & right;

    public static Vector256<ulong> Of(Vector256<ulong> left, Vector256<ulong> right) => left & right;
}

readonly struct Or : ISetOperation
{
    public static bool KeepsLeft => true;

    public static bool KeepsRight => true;

    public static bool KeepsBoth => true;

    public static Vector512<ulong> Of(Vector512<ulong> left, Vector512<ulong> right) => left | right;

    public static Vector256<ulong> Of(Vector256<ulong> left, Vector256<ulong> right) => left | right;
}

readonly struct Xor : ISetOperation
{
    public static bool KeepsLeft => true;

    public static bool KeepsRight => true;

    public static bool KeepsBoth => false;

    public static Vector512<ulong> Of(Vector512<ulong> left, Vector512<ulong> right) => left ^ right;

    public static Vector256<ulong> Of(Vector256<ulong> left, Vector256<ulong> right) => left ^ right;
}

readonly struct AndNot : ISetOperation
{
    public static bool KeepsLeft => true;

    public static bool KeepsRight => false;

    public static bool KeepsBoth => false;

    public static Vector512<ulong> Of(Vector512<ulong> left, Vector512<ulong> right) => Vector512.AndNot(left, right);

    public static Vector256<ulong> Of(Vector256<ulong> left, Vector256<ulong> right) => Vector256.AndNot(left, right);
}
