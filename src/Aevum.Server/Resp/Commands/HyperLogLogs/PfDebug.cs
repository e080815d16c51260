using System.Globalization;
using System.Text;
using Aevum.Server.Resp.Commands.Strings;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.HyperLogLogs;

sealed class PfDebug : DataCommand
{
    public override CommandInfo Info { get; } = new("pfdebug", CommandGroup.HyperLogLog)
    {
        Arity = 3,
        Flags = CommandFlags.Write | CommandFlags.DenyOom | CommandFlags.Admin,
        Keys = new KeyPlaces(2, 2, 1),
        Since = "2.8.9",
        Summary = "Shows a HyperLogLog's registers (GETREG), its runs (DECODE) and its encoding (ENCODING), or makes it dense (TODENSE).",
        Complexity = "O(1), with high constant times",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        var key = args[2];
        if (!HyperLogLog.TryRead(call, key, out var exists, out var value, out var expiry)) return;
        if (!exists)
        {
            call.Reply.Error("ERR The specified key does not exist"u8);
            return;
        }
        var isDense = HyperLogLog.IsDense(value);
        if (args.Is(1, "encoding"u8))
        {
            call.Reply.Simple(isDense ? "dense"u8 : "sparse"u8);
        }
        else if (args.Is(1, "decode"u8))
        {
            if (isDense) call.Reply.Error("ERR HLL encoding is not sparse"u8);
            else call.Reply.Bulk(Runs(value[HyperLogLog.HeaderBytes..]));
        }
        else if (args.Is(1, "getreg"u8) || args.Is(1, "todense"u8))
        {
            Span<byte> registers = stackalloc byte[HyperLogLog.Registers];
            registers.Clear();
            if (!HyperLogLog.TryMerge(call, value, registers)) return;
            if (args.Is(1, "todense"u8))
            {
                call.Reply.Integer(isDense ? 0 : 1);
            }
            else
            {
                call.Reply.Array(registers.Length);
                foreach (var rank in registers) call.Reply.Integer(rank);
            }
            if (isDense) return;
            HyperLogLog.Write(registers, mayBeSparse: false, StringDraft.Begin(call, default, HyperLogLog.DenseBytes));
            StringDraft.Save(call, key, HyperLogLog.DenseBytes, expiry);
        }
        else
        {
            call.Reply.Error($"ERR Unknown PFDEBUG subcommand '{Encoding.Latin1.GetString(args[1])}'");
        }
    }

    static string Runs(ReadOnlySpan<byte> sparse)
    {
        var text = new StringBuilder();
        for (var at = 0; SparseRegisters.TryReadRun(sparse, ref at, out var kind, out var length, out var rank);)
            text.Append(CultureInfo.InvariantCulture, $"{(kind == SparseRun.Zeros ? "z:" : kind == SparseRun.ManyZeros ? "Z:" : $"v:{rank},")}{length} ");
        return text.ToString().TrimEnd();
    }
}
