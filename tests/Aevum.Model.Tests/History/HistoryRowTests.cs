using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Model.History;
using Aevum.Testing;

namespace Aevum.Model.Tests.History;

public sealed class HistoryRowTests
{
    [Fact]
    public void A_note_is_what_the_page_shows()
    {
        var bytes = CommitNotes.Encode(1, new CommitNote(Actor: "agent", Source: "mail"));
        Assert.Equal("01" + "01000000" + "05" + "056167656E74" + "046D61696C", Convert.ToHexString(bytes));
    }

    [Theory, Seeds(50)]
    public void Notes_come_back(ulong seed)
    {
        var random = new SeededRandom(seed);
        string? Text() => random.OneIn(2) ? null : new string([.. Enumerable.Range(0, random.Next(40)).Select(_ => (char)random.Next('!', 0x17F))]);
        var note = new CommitNote(Text(), Text(), Text(), Text(), Text());
        Assert.Equal(note, CommitNotes.Decode(CommitNotes.Encode((uint)seed, note), out var tenant));
        Assert.Equal((uint)seed, tenant);
    }

    [Fact]
    public void The_key_of_a_note_is_its_time()
    {
        var time = SystemTime.FromMicroseconds(1_700_000_000_000_000, 3);
        Assert.Equal(time, CommitNotes.TimeOf(CommitNotes.KeyOf(time)));
        Assert.Throws<CorruptionException>(() => CommitNotes.TimeOf(new byte[15]));
        Assert.True(CommitNotes.KeyOf(time).AsSpan().SequenceCompareTo(CommitNotes.KeyOf(new(time.Value + 1))) < 0);
    }

    [Fact]
    public void Notes_too_long_or_no_text_are_refused()
    {
        Assert.Equal(ErrorCode.LimitExceeded, Assert.Throws<AevumException>(() => CommitNotes.Encode(1, new CommitNote(new string('a', 1025)))).Code);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => CommitNotes.Encode(1, new CommitNote("\ud800"))).Code);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => CommitAnswers.KeyOf(1, "")).Code);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => CommitAnswers.KeyOf(1, new string('a', 1025))).Code);
    }

    static StepBatch Decided(SeededRandom random)
    {
        var batch = Undecided();
        batch.BeginResults();
        for (var i = 0; i < batch.Count; i++)
        {
            ref var result = ref batch.MutableResult(i);
            result.Status = (StepStatus)random.Next(4);
            result.Version = new(random.NextUInt64() >> 1);
            result.Number = (long)random.NextUInt64();
            var bytes = new byte[random.Next(20)];
            random.Fill(bytes);
            batch.KeepReturned(i, bytes);
        }
        return batch;
    }

    static StepBatch Undecided()
    {
        var batch = new StepBatch();
        for (var i = 0; i < 3; i++) batch.Check([(byte)i], Precondition.Absent);
        return batch;
    }

    [Theory, Seeds(20)]
    public void An_answer_gives_a_batch_its_results_back(ulong seed)
    {
        var first = Decided(new SeededRandom(seed));
        var again = Undecided();
        again.BeginResults();
        CommitAnswers.Restore(CommitAnswers.Encode(first, new(77)), again);
        Assert.Equal((CommitStatus.Repeated, new SystemTime(77)), (again.Status, again.Time));
        for (var i = 0; i < 3; i++)
        {
            var (before, after) = (first.MutableResult(i), again.ResultOf(i));
            Assert.Equal((before.Status, before.Version, before.Number), (after.Status, after.Version, after.Number));
            Assert.Equal(first.ReturnedBytes(i).ToArray(), again.BytesOf(i).ToArray());
        }
    }

    [Fact]
    public void A_plain_answer_is_for_plain_batches()
    {
        var plain = new StepBatch();
        plain.Put("a"u8, "b"u8);
        var answer = CommitAnswers.Encode(plain, new(5));
        plain.BeginResults();
        CommitAnswers.Restore(answer, plain);
        Assert.Equal((CommitStatus.Repeated, StepStatus.Done), (plain.Status, plain.ResultOf(0).Status));
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => CommitAnswers.Restore(answer, Undecided())).Code);
    }

    [Theory, Seeds(200)]
    public void Any_bytes_are_read_or_refused(ulong seed)
    {
        var random = new SeededRandom(seed);
        for (var i = 0; i < 50; i++)
        {
            var bytes = random.Next(3) switch
            {
                0 => CommitNotes.Encode(3, new CommitNote("actor", null, "source")),
                1 => CommitAnswers.Encode(Decided(random), new(9)),
                _ => new byte[random.Next(40)],
            };
            for (var flips = random.Next(4); flips > 0 && bytes.Length > 0; flips--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            bytes = bytes.AsSpan(0, random.Next(bytes.Length + 1)).ToArray();
            try
            {
                CommitNotes.Decode(bytes, out _);
            }
            catch (CorruptionException)
            {
            }
            try
            {
                var batch = Undecided();
                batch.BeginResults();
                CommitAnswers.Restore(bytes, batch);
            }
            catch (AevumException e) when (e.Code is ErrorCode.Corruption or ErrorCode.InvalidArgument)
            {
            }
        }
    }
}
