// RandomStreams: many independent streams from one seed, told apart by name (FNV-1a of the name's UTF-16 units, mixed into the seed).
// Adding a stream therefore changes no number of any other.

namespace Aevum.Core.Scheduling;

static class RandomStreams
{
    public static SeededRandom Create(ulong seed, string name) => new(Hash(seed ^ 0xCBF29CE484222325, name));

    /// <summary>FNV-1a, continued from <paramref name="state"/>.</summary>
    public static ulong Hash(ulong state, string text)
    {
        foreach (var unit in text) state = (state ^ unit) * 0x100000001B3;
        return state;
    }
}
