// SlowLog: the commands that took longest to run, newest first: a ring of so many entries, kept in memory.
//
// Arguments are cut as Redis cuts them: at most 32, the last of which then says how many more there were; of each at most 128 bytes, and how many
// more. What a command calls secret (RespCommand.IsSecret) is not kept at all.
//
// Fast commands of a pipeline share a reading of the clock (LoopMeter). If such a group was slow the entry is of the group: "pipeline" and the names.

using System.Globalization;
using System.Text;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Measuring;

/// <summary>A slow command.</summary>
/// <param name="Id">Rises by one with each entry, from 0, for the life of the process.</param>
/// <param name="UnixSeconds">When it ended.</param>
/// <param name="Microseconds">What it took, waits in queues and for other clients not counted.</param>
/// <param name="Arguments">Its name first; cut.</param>
/// <param name="Address">Of its client.</param>
/// <param name="ClientName">As the client called itself; else empty.</param>
sealed record SlowLogEntry(long Id, long UnixSeconds, long Microseconds, byte[][] Arguments, string Address, string ClientName);

sealed class SlowLog
{
    const int ArgumentsMax = 32;
    const int ArgumentBytesMax = 128;

    readonly Lock _gate = new();
    readonly LinkedList<SlowLogEntry> _entries = [];
    long _nextId;
    int _lengthMax = 128;

    /// <summary>Entries kept; setting it lower forgets the oldest.</summary>
    public int LengthMax
    {
        get => _lengthMax;
        set
        {
            lock (_gate)
            {
                _lengthMax = value;
                Trim();
            }
        }
    }

    /// <summary>Entries there are.</summary>
    public int Length
    {
        get
        {
            lock (_gate) return _entries.Count;
        }
    }

    /// <summary>The newest entries, the newest first.</summary>
    public IReadOnlyList<SlowLogEntry> Newest(int count)
    {
        lock (_gate) return [.. _entries.Take(count)];
    }

    /// <summary>Forgets all entries; ids go on.</summary>
    public void Reset()
    {
        lock (_gate) _entries.Clear();
    }

    public void Add(long unixSeconds, long microseconds, byte[][] arguments, string address, string clientName)
    {
        lock (_gate)
        {
            _entries.AddFirst(new SlowLogEntry(_nextId++, unixSeconds, microseconds, arguments, address, clientName));
            Trim();
        }
    }

    void Trim()
    {
        while (_entries.Count > Math.Max(_lengthMax, 0)) _entries.RemoveLast();
    }

    /// <summary>A request as it is kept.</summary>
    public static byte[][] Cut(RespCommand command, CommandArguments args)
    {
        var kept = new byte[Math.Min(args.Count, ArgumentsMax)][];
        for (var i = 0; i < kept.Length; i++)
        {
            if (i == ArgumentsMax - 1 && args.Count > ArgumentsMax)
                kept[i] = Text($"... ({args.Count - i} more arguments)");
            else if (command.IsSecret(args, i))
                kept[i] = "(redacted)"u8.ToArray();
            else if (args[i].Length > ArgumentBytesMax)
                kept[i] = [.. args[i][..ArgumentBytesMax], .. Text($"... ({args[i].Length - ArgumentBytesMax} more bytes)")];
            else
                kept[i] = args[i].ToArray();
        }
        return kept;
    }

    static byte[] Text(FormattableString text) => Encoding.ASCII.GetBytes(text.ToString(CultureInfo.InvariantCulture));
}
