// TlsPipe: the stream below an SslStream. Reading takes what was fed and waits for more; writing never waits. What was waited for continues
// on the thread that feeds, before Feed returns: that keeps all of TLS on one thread at a time.

using System.Threading.Tasks.Sources;

namespace Aevum.Core.Network;

sealed unsafe class TlsPipe(Action<ReadOnlySpan<byte>> write) : Stream, IValueTaskSource<int>
{
    ManualResetValueTaskSourceCore<int> _source;    // continuations run on who completes it
    Memory<byte> _target;
    byte[] _kept = [];          // fed before and not read
    int _keptStart;
    byte* _fed;                 // fed now; valid while Feed runs
    int _fedLength;
    bool _ended;

    /// <summary>Somebody reads and there is nothing.</summary>
    public bool IsWaiting { get; private set; }

    /// <summary>Gives bytes to who reads. What is not read when this returns is kept.</summary>
    public void Feed(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* fed = bytes)
        {
            _fed = fed;
            _fedLength = bytes.Length;
            Wake();
            if (_fedLength > 0)
            {
                byte[] kept = [.. _kept.AsSpan(_keptStart), .. new ReadOnlySpan<byte>(_fed, _fedLength)];
                (_kept, _keptStart) = (kept, 0);
            }
            _fed = null;
            _fedLength = 0;
        }
    }

    /// <summary>Nothing more will be fed.</summary>
    public void End()
    {
        _ended = true;
        Wake();
    }

    void Wake()
    {
        if (!IsWaiting) return;
        IsWaiting = false;
        var target = _target;
        _target = default;
        _source.SetResult(Copy(target.Span));
    }

    int Copy(Span<byte> target)
    {
        var copied = Math.Min(target.Length, _kept.Length - _keptStart);
        _kept.AsSpan(_keptStart, copied).CopyTo(target);
        _keptStart += copied;
        if (_keptStart == _kept.Length) (_kept, _keptStart) = ([], 0);
        var more = Math.Min(target.Length - copied, _fedLength);
        new ReadOnlySpan<byte>(_fed, more).CopyTo(target[copied..]);
        _fed += more;
        _fedLength -= more;
        return copied + more;
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_kept.Length - _keptStart + _fedLength > 0 || _ended) return new(Copy(buffer.Span));
        _target = buffer;
        _source.Reset();
        IsWaiting = true;
        return new(this, _source.Version);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        write(buffer.AsSpan(offset, count));
        return Task.CompletedTask;
    }

    public override void Write(byte[] buffer, int offset, int count) => write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer) => write(buffer);

    public override void Flush() { }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    int IValueTaskSource<int>.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("a loop never waits inside of a read");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
