using System.Security.Cryptography;

namespace Aevum.Core.Scheduling;

/// <summary>Bytes that nobody must be able to guess: passwords that are drawn, and their salts. From the operating system, so not the same in a second run:
/// nothing that a run's course depends on may come from here.</summary>
public static class Secrets
{
    public static void Fill(Span<byte> target) => RandomNumberGenerator.Fill(target);
}
