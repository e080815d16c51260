using System.Globalization;
using System.Reflection;
using Xunit.Sdk;

namespace Aevum.Testing;

/// <summary>Runs a theory with one parameter, <c>ulong seed</c>, once for each of the seeds 1 to <paramref name="count"/>.</summary>
/// <remarks>
/// The failing seed stands in the test's name. <c>AEVUM_SEED=7</c> runs that one alone, also beyond the count;
/// <c>AEVUM_LONG_TESTS=1</c> (set by <c>./dev test --all</c>) runs twenty times as many.
/// </remarks>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SeedsAttribute(int count) : DataAttribute
{
    public const int LongFactor = 20;

    public int Count => count;

    public override IEnumerable<object[]> GetData(MethodInfo testMethod) =>
        Choose(count, Environment.GetEnvironmentVariable("AEVUM_SEED"), Environment.GetEnvironmentVariable("AEVUM_LONG_TESTS") == "1")
            .Select(seed => new object[] { seed });

    internal static IEnumerable<ulong> Choose(int count, string? only, bool isLong) => string.IsNullOrEmpty(only)
        ? Enumerable.Range(1, isLong ? count * LongFactor : count).Select(n => (ulong)n)
        : [ulong.Parse(only, CultureInfo.InvariantCulture)];
}
