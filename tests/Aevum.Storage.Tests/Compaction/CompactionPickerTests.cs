using System.Collections.Frozen;
using System.Globalization;
using Aevum.Storage.Compaction;
using Aevum.Storage.Versions;
using Aevum.Testing;

namespace Aevum.Storage.Tests.Compaction;

public sealed class CompactionPickerTests
{
    TreeVersion _version = TreeVersion.Empty;
    readonly CompactionOptions _options = new() { BaseLevelBytes = 256L << 20 };

    public static TheoryData<string> Scripts => Golden.Scripts("testdata/compaction-picker");

    [Theory, MemberData(nameof(Scripts))]
    public void Script(string path) => Golden.Run(path, step =>
    {
        switch (step.Name)
        {
            case "levels":
                _version = LevelPicture.Read(step.Input);
                return "ok";
            case "pick":
                var words = step.Input.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
                var busy = words.Where(w => w[0] == '!').Select(w => ulong.Parse(w.AsSpan(1), CultureInfo.InvariantCulture)).ToFrozenSet();
                var floor = words.Where(w => w[0] == '@').Select(w => ulong.Parse(w.AsSpan(1), CultureInfo.InvariantCulture)).FirstOrDefault();
                return CompactionPicker.Pick(_version, _options, busy, floor)?.ToString() ?? "nothing to do";
            case "targets":
                var targets = LevelTargets.For(_version.Levels, _options);
                var sizes = Enumerable.Range(targets.BaseLevel, TreeVersion.LevelCount - targets.BaseLevel)
                    .Select(l => $"L{l} {(targets[l] == long.MaxValue ? "no bound" : $"{targets[l] >> 20} MiB")}");
                return $"base L{targets.BaseLevel}: {string.Join(", ", sizes)}";
            default:
                throw step.Unknown();
        }
    });
}
