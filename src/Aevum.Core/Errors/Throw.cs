// Throw: one helper per kind of failure, so that hot methods stay small and every message names file, offset and expectation.

using System.Diagnostics.CodeAnalysis;

namespace Aevum.Core.Errors;

public static class Throw
{
    [DoesNotReturn]
    public static void Corruption(string file, long offset, string expected) =>
        throw new CorruptionException($"{file} at byte {offset}: expected {expected}. The file is left untouched.") { File = file, Offset = offset };

    [DoesNotReturn]
    public static void Limit(string what, long actual, long limit) =>
        throw new AevumException(ErrorCode.LimitExceeded, $"{what} is {actual}, above the limit of {limit}");

    [DoesNotReturn]
    public static void Invalid(string message) => throw new AevumException(ErrorCode.InvalidArgument, message);

    [DoesNotReturn]
    public static void Closed(string what, Exception? because = null) =>
        throw new AevumException(ErrorCode.Closed, because is null ? $"{what} is closed" : $"{what} stopped after a failure: {because.Message}", because);

    [DoesNotReturn]
    public static void UnsupportedFormat(string file, string found, string known) =>
        throw new AevumException(ErrorCode.UnsupportedFormat, $"{file}: format {found} is not known to this program, which reads {known}");
}
