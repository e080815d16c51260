using System.Runtime.CompilerServices;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;

namespace Aevum.Core.Tests.Bytes;

public sealed unsafe class NativeBufferTests
{
    [Fact]
    public void Behaves_as_a_list_of_bytes()
    {
        var random = new SeededRandom(1);
        using var buffer = new NativeBuffer();
        var oracle = new List<byte>();
        for (var step = 0; step < 5000; step++)
        {
            switch (random.Next(6))
            {
                case 0 or 1:
                    var bytes = new byte[random.Next(200)];
                    random.Fill(bytes);
                    buffer.Append(bytes);
                    oracle.AddRange(bytes);
                    break;
                case 2:
                    var room = random.Next(100);
                    var span = buffer.GetSpan(room);
                    Assert.True(span.Length >= room);
                    span[..room].Fill((byte)step);
                    buffer.Advance(room);
                    oracle.AddRange(Enumerable.Repeat((byte)step, room));
                    break;
                case 3:
                    var length = random.Next(oracle.Count + 1);
                    buffer.SetLength(length);
                    oracle.RemoveRange(length, oracle.Count - length);
                    break;
                case 4: buffer.EnsureCapacity(random.Next(5000)); break;
                case 5 when random.OneIn(20):
                    buffer.SetLength(0);
                    oracle.Clear();
                    break;
            }
            Assert.Equal(oracle.Count, buffer.Length);
            Assert.True(buffer.Capacity >= buffer.Length);
            Assert.Equal(0, (long)buffer.Pointer % NativeBuffer.Alignment);
            Assert.True(buffer.Span.SequenceEqual(oracle.ToArray()));
        }
    }

    [Fact]
    public void Grows_by_doubling_so_that_appending_stays_cheap()
    {
        using var buffer = new NativeBuffer();
        var moves = 0;
        var capacity = 0L;
        for (var i = 0; i < 100_000; i++)
        {
            buffer.Append([1, 2, 3]);
            if (buffer.Capacity == capacity) continue;
            capacity = buffer.Capacity;
            moves++;
        }
        Assert.InRange(moves, 2, 20);
    }

    [Fact]
    public void Setting_a_greater_length_keeps_what_was_written()
    {
        using var buffer = new NativeBuffer(10);
        buffer.Append([1, 2, 3]);
        buffer.SetLength(100_000);
        Assert.Equal(100_000, buffer.Span.Length);
        Assert.Equal([1, 2, 3], buffer.Span[..3].ToArray());
    }

    [Fact]
    public void A_disposed_buffer_is_empty_and_takes_nothing()
    {
        var buffer = new NativeBuffer(100);
        buffer.Append([1]);
        buffer.Dispose();
        buffer.Dispose();
        Assert.Equal(0, buffer.Length);
        Assert.Equal(0, buffer.Capacity);
        Assert.True(buffer.Span.IsEmpty);
        Assert.True(buffer.Pointer == null);
        Assert.Equal(ErrorCode.Closed, Assert.Throws<AevumException>(() => buffer.Append([1])).Code);
        Assert.Equal(ErrorCode.Closed, Assert.Throws<AevumException>(() => { buffer.GetSpan(0); }).Code);
        Assert.Equal(ErrorCode.Closed, Assert.Throws<AevumException>(() => buffer.SetLength(1)).Code);
        Assert.Equal(ErrorCode.Closed, Assert.Throws<AevumException>(() => buffer.EnsureCapacity(1)).Code);
    }

    [Fact]
    public void Arguments_without_meaning_are_refused()
    {
        using var buffer = new NativeBuffer(64);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => new NativeBuffer(-1)).Code);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => buffer.Advance(-1)).Code);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => buffer.Advance(65)).Code);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => { buffer.GetSpan(-1); }).Code);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => buffer.SetLength(-1)).Code);
        Assert.Throws<OverflowException>(() => buffer.EnsureCapacity(long.MaxValue));
    }

    [Fact]
    public void A_forgotten_buffer_is_collected()
    {
        // Seen from outside by the object being gone: its finalizer ran, which frees the memory, and the process still stands.
        var forgotten = Forget();
        for (var i = 0; i < 20 && forgotten.Any(f => f.IsAlive); i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.DoesNotContain(forgotten, f => f.IsAlive);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static WeakReference[] Forget() => [.. Enumerable.Range(0, 10).Select(_ =>
    {
        var buffer = new NativeBuffer(1 << 20);
        buffer.Append(new byte[100]);
        return new WeakReference(buffer, trackResurrection: true);
    })];
}
