// RespClient, session: what a connection has agreed on beside data: who it is, what it listens to, whether it wants replies, what is told of it.

using System.Globalization;
using System.Text;
using Aevum.Server.Resp.Access;
using Aevum.Server.Resp.PubSub;
using Aevum.Server.Resp.Settings;
using Aevum.Server.Resp.Tracking;

namespace Aevum.Server.Resp;

/// <summary>Whether a client wants replies (CLIENT REPLY).</summary>
enum ReplyMode
{
    On,
    Off,

    /// <summary>Not to the next request.</summary>
    SkipNext,
}

sealed partial class RespClient
{
    ReplyMode _replies;
    long _overSoftSince = -1;

    public ReplyMode Replies
    {
        get => _replies;
        set
        {
            _replies = value;
            if (value == ReplyMode.On) IsMuted = false;
        }
    }

    /// <summary>True while replies are thrown away. Pushes are not.</summary>
    public bool IsMuted { get; set; }

    UserHandle _user = engine.Server.Access.Default;

    /// <summary>In whose name it acts.</summary>
    public UserHandle User => _user;

    public string UserName => _user.Rules.Name;

    /// <summary>False: it has to show first who it is.</summary>
    public bool IsAuthenticated { get; private set; }

    /// <summary>From now on it is a user.</summary>
    public void Become(UserHandle user)
    {
        Volatile.Write(ref _user, user);
        IsAuthenticated = true;
        Parser.IsAuthenticated = true;
    }

    /// <summary>As it came: the user that needs no password, if there is one.</summary>
    public void BecomeDefault()
    {
        _user = engine.Server.Access.Default;
        IsAuthenticated = !engine.Server.Access.RequiresPassword;
        Parser.IsAuthenticated = IsAuthenticated;
    }

    /// <summary>Not answers the request after this one.</summary>
    public void SkipNextReply() => _replies = ReplyMode.SkipNext;

    /// <summary>What it listens to; null: nothing ever.</summary>
    public ClientSubscriptions? Subscriptions { get; set; }

    /// <summary>How it is told of changes of what it has read; null: it is not.</summary>
    public ClientTracking? Tracking { get; set; }

    /// <summary>True where only commands about subscriptions are allowed: what the second version answers could not be told from messages.</summary>
    public bool IsListening => Subscriptions is { } all && all.Count + all.ShardCount > 0;

    /// <summary>The library that speaks for the client, as it says.</summary>
    public string LibraryName { get; set; } = "";

    public string LibraryVersion { get; set; } = "";

    /// <summary>It is not disconnected for the memory that all clients hold.</summary>
    public bool NoEvict { get; set; }

    /// <summary>What it reads is as idle afterwards as before.</summary>
    public bool NoTouch { get; set; }

    /// <summary>Timestamps of the scheduler's clock.</summary>
    public long Came { get; } = engine.Server.Timestamp;

    public long LastSeen { get; set; } = engine.Server.Timestamp;

    /// <summary>What it asked for last.</summary>
    public KnownCommand? LastCommand { get; set; }

    /// <summary>Bytes of requests that were handed over last.</summary>
    public int InputBytes { get; set; }

    /// <summary>True while it is shown every request (MONITOR).</summary>
    public bool IsMonitor { get; private set; }

    /// <summary>It is shown every request from now on.</summary>
    public void Monitor()
    {
        IsMonitor = true;
        ApplyLimits();
        engine.Server.Monitors.Add(this);
    }

    /// <summary>Bytes held for it: requests, what it has queued, what waits to be sent. From any loop: a moment old.</summary>
    public long MemoryBytes => channel.Pending + InputBytes + (Transaction?.Bytes ?? 0);

    public OutputClass OutputClass => IsMonitor ? OutputClass.Replica : IsListening ? OutputClass.PubSub : OutputClass.Normal;

    /// <summary>Sends what it did not ask for, whatever it said of replies. On its loop.</summary>
    public void Push(ReadOnlySpan<byte> bytes)
    {
        if (IsClosed || bytes.IsEmpty) return;
        bytes.CopyTo(channel.GetSpan(bytes.Length));
        channel.Advance(bytes.Length);
        if (IsOverLimit()) Abort();
    }

    /// <summary>Called when it began or ended to listen: other limits hold.</summary>
    public void SubscriptionsChanged() => ApplyLimits();

    /// <summary>Sets what may wait to be sent. On its loop.</summary>
    public void ApplyLimits()
    {
        var hard = engine.Server.Settings.OutputLimits.Of(OutputClass).Hard;
        channel.PendingMax = hard > 0 ? hard : long.MaxValue;
        Parser.BulkBytesMax = Math.Min(engine.Server.Settings.BulkBytesMax.Value, Array.MaxLength);
    }

    /// <summary>True if more waits to be sent than may. On its loop.</summary>
    public bool IsOverLimit()
    {
        var limit = engine.Server.Settings.OutputLimits.Of(OutputClass);
        var pending = channel.Pending;
        if (limit.Hard > 0 && pending > limit.Hard) return true;
        if (limit.Soft <= 0 || pending <= limit.Soft)
        {
            _overSoftSince = -1;
            return false;
        }
        var now = engine.Server.Timestamp;
        if (_overSoftSince < 0) _overSoftSince = now;
        return engine.Server.Scheduler.Time.GetElapsedTime(_overSoftSince, now).TotalSeconds > limit.SoftSeconds;
    }

    /// <summary>Ends the connection now, whatever waits to be sent. On its loop.</summary>
    public void Abort()
    {
        if (IsClosed) return;
        IsClosing = true;
        channel.Abort();
    }

    /// <summary>What requests ask for no more: as if it had just come.</summary>
    public void ForgetSession()
    {
        engine.Channels.RemoveAll(this);
        if (Tracking is not null)
        {
            engine.Server.Tracking.Remove(this);
            Tracking = null;
        }
        if (IsMonitor)
        {
            IsMonitor = false;
            engine.Server.Monitors.Remove(this);
        }
        Replies = ReplyMode.On;
        NoEvict = false;
        NoTouch = false;
        SubscriptionsChanged();
    }

    // ------------------------------------------------------------------------------------------------ what is told of it

    /// <summary>One line of CLIENT LIST. From any loop: numbers may be a moment old.</summary>
    public string Describe()
    {
        var time = engine.Server.Scheduler.Time;
        var now = engine.Server.Timestamp;
        var waiting = channel.Pending;
        var subscriptions = Subscriptions;
        return string.Create(CultureInfo.InvariantCulture,
            $"id={Id} addr={channel.Remote} laddr={channel.Local} fd=-1 name={Name} age={(long)time.GetElapsedTime(Came, now).TotalSeconds} "
            + $"idle={(long)time.GetElapsedTime(LastSeen, now).TotalSeconds} flags={Flags()} db={Database} "
                + $"sub={subscriptions?.Of(ChannelKind.Channel).Count ?? 0} "
            + $"psub={subscriptions?.Of(ChannelKind.Pattern).Count ?? 0} ssub={subscriptions?.ShardCount ?? 0} multi={Transaction?.Requests.Count ?? -1} "
            + $"qbuf={InputBytes} qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl={waiting} oll=0 omem=0 tot-mem={waiting} "
            + $"events={(waiting > 0 ? "rw" : "r")} cmd={LastCommand?.Info.Name ?? "NULL"} user={UserName} redir={Tracking?.Redirect ?? -1} resp={Version} "
            + $"lib-name={LibraryName} lib-ver={LibraryVersion}");
    }

    string Flags()
    {
        var flags = new StringBuilder();
        if (IsMonitor) flags.Append('O');
        if (IsListening) flags.Append('P');
        if (Transaction is not null) flags.Append('x');
        if (engine.Server.Waiters.Of(this) is not null) flags.Append('b');
        if (Tracking is { } tracking)
        {
            flags.Append('t');
            if (tracking.IsBroken) flags.Append('R');
            if (tracking.IsBroadcast) flags.Append('B');
        }
        if (IsClosing) flags.Append('c');
        if (NoEvict) flags.Append('e');
        if (NoTouch) flags.Append('T');
        return flags.Length == 0 ? "N" : flags.ToString();
    }
}
