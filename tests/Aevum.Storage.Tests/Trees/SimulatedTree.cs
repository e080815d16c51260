// SimulatedTree: a tree on a disk that can fail, under a scheduler that runs only when asked: what happens, and when, is the test's choice.

using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Storage.Compaction;
using Aevum.Storage.Iterators;
using Aevum.Storage.Log;
using Aevum.Storage.Trees;

namespace Aevum.Storage.Tests.Trees;

sealed class SimulatedTree : IDisposable
{
    readonly SimulatedScheduler _scheduler = new(1);
    StorageEnvironment? _environment;
    Tree? _tree;

    public SimulatedTree(ITreePolicy policy, SyncPolicy sync = default, ulong seed = 1, CompactionOptions? compaction = null)
    {
        Files = new(seed);
        Options = new TreeOptions
        {
            Policy = policy,
            Sync = sync,
            LogSegmentBytes = 64 << 10,
            Compaction = compaction ?? new CompactionOptions { Automatic = false },
        };
        Open();
    }

    public TreeOptions Options { get; init; }

    public FaultyFileSystem Files { get; private set; }

    public SimulatedScheduler Scheduler => _scheduler;

    public Tree Tree => _tree!;

    public static ITreePolicy Keep(ulong floor, IMergeOperator? merge = null) => new UniformTreePolicy { HistoryFloor = new(floor), MergeOperator = merge };

    public static byte[] Bytes(string text) => Encoding.ASCII.GetBytes(text);

    public void Write(ulong time, Action<WriteBatch> fill)
    {
        var batch = new WriteBatch { SystemTime = new(time) };
        fill(batch);
        Tree.Write(batch);
    }

    public void Put(ulong time, string key, string value, ulong expiry = 0) => Tree.Put(Bytes(key), Bytes(value), new(time), new(expiry));

    public void Delete(ulong time, string key) => Tree.Delete(Bytes(key), new(time));

    public void Merge(ulong time, string key, string operand) => Write(time, b => b.Merge(Bytes(key), Bytes(operand)));

    public string? Get(string key, ulong at) => Tree.Get(Bytes(key), ReadPoint.AsOf(new(at))) is { } value ? Encoding.ASCII.GetString(value) : null;

    /// <summary>Keys and values of one walk, as "key=value key=value".</summary>
    public string Scan(ReadPoint point, bool backward = false)
    {
        using var iterator = Tree.Iterate(new IterateOptions { Point = point });
        return Walk(iterator, backward);
    }

    public static string Walk(TreeIterator iterator, bool backward = false)
    {
        var text = new List<string>();
        if (backward)
            for (iterator.SeekToLast(); iterator.Valid; iterator.Prev()) text.Add(Show(iterator));
        else
            for (iterator.SeekToFirst(); iterator.Valid; iterator.Next()) text.Add(Show(iterator));
        return string.Join(' ', text);
    }

    public string Versions(string key) =>
        string.Join(' ', Tree.VersionsOf(Bytes(key)).Select(v =>
             $"{v.Version.Value}:{v.Kind}{(v.Value.Length > 0 ? "=" + Encoding.ASCII.GetString(v.Value) : "")}"));

    public void Open()
    {
        _environment = new StorageEnvironment(new StorageOptions { Files = Files, Scheduler = _scheduler, BlockCacheBytes = 64 << 10 });
        try
        {
            _tree = Tree.Open(_environment, "db", Options);
        }
        catch
        {
            Close();
            throw;
        }
    }

    public void Close()
    {
        _tree?.Dispose();
        _tree = null;
        _environment?.Dispose();
        _environment = null;
    }

    public void Reopen()
    {
        Close();
        Open();
    }

    public void Kill()
    {
        var files = Files.KillProcess();
        Close();
        Files = files;
    }

    /// <summary>The plan's end has come: goes on with what is left, closed.</summary>
    public void TakeOver()
    {
        var successor = Files.Successor;
        Close();
        Files.Plan.PowerCutAt = null;
        Files = successor ?? Files;
    }

    public void PowerCut()
    {
        var files = Files.PowerCut(PowerCutMode.LoseUnsynced);
        Close();
        Files = files;
        Open();
    }

    static string Show(TreeIterator iterator) => $"{Encoding.ASCII.GetString(iterator.Key)}={Encoding.ASCII.GetString(iterator.Value)}";

    public void Dispose()
    {
        Close();
        _scheduler.Dispose();
    }
}
