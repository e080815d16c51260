// SocketCalls: the calls into Linux' C library that connections need, all of them. SocketNetwork is the managed way round.
//
// 64-bit Linux, x64 and arm64: the constants below are those of these two. Everything is blittable. The calls of every request (epoll_wait,
// recv, send) do without the marshaller's own keeping of errno: Error is asked for directly after the call, on the same thread. The last two
// also go round the library's own functions, which mark and unmark a place where the thread may be cancelled: 0.7 % of an HSET in a profile.
//
// struct epoll_event is packed on x64 (12 bytes, data at 4) and is not on arm64 (16 bytes, data at 8).

using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;

namespace Aevum.Core.Network;

static unsafe partial class SocketCalls
{
    public const uint In = 1;               // EPOLLIN
    public const uint Out = 4;              // EPOLLOUT
    public const uint Failed = 8 | 0x10;    // EPOLLERR | EPOLLHUP
    public const uint InputEnd = 0x2000;    // EPOLLRDHUP
    public const uint Edge = 1u << 31;      // EPOLLET

    public const int Interrupted = 4;               // EINTR
    public const int WouldBlock = 11;               // EAGAIN
    public const int TooManyFilesInSystem = 23;     // ENFILE
    public const int TooManyFiles = 24;             // EMFILE
    public const int NoMemory = 12;                 // ENOMEM
    public const int NoBuffers = 105;               // ENOBUFS

    const int Add = 1, Delete = 2, Modify = 3;              // EPOLL_CTL_*
    const int Inet = 2, Inet6 = 10, Stream = 1;             // AF_INET, AF_INET6, SOCK_STREAM
    const int NonBlocking = 0x800, CloseOnExec = 0x80000;   // of sockets, epoll and eventfd alike
    const int SocketLevel = 1, ReuseAddress = 2, Linger = 13;
    const int Tcp = 6, NoDelay = 1;
    const int Ip6 = 41, Ip6Only = 26;
    const int NoSignal = 0x4000;            // MSG_NOSIGNAL: EPIPE instead of SIGPIPE
    const int WriteSide = 1;                // SHUT_WR
    const int AddressBytes = 28;            // struct sockaddr_in6, the larger
    const int SetTimerSlack = 29;           // PR_SET_TIMERSLACK

    static readonly bool Packed = RuntimeInformation.ProcessArchitecture == Architecture.X64;

    // SYS_sendto, SYS_recvfrom
    static readonly nint SendTo = Packed ? 44 : 206;
    static readonly nint ReceiveFrom = Packed ? 45 : 207;

    /// <summary>Bytes of one event.</summary>
    public static readonly int EventBytes = Packed ? 12 : 16;

    static readonly int DataOffset = Packed ? 4 : 8;

    public static bool IsAvailable { get; } =
        OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.Arm64 && Probe();

    static bool Probe()
    {
        try
        {
            var descriptor = epoll_create1(CloseOnExec);
            if (descriptor >= 0) _ = close(descriptor);
            return descriptor >= 0;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            return false;
        }
    }

    /// <summary>Of the call just made by this thread.</summary>
    public static int Error => Marshal.GetLastSystemError();

    public static string Describe(int error) => $"error {error} ({Marshal.GetPInvokeErrorMessage(error)})";

    public static int CreateEpoll() => epoll_create1(CloseOnExec);

    public static int CreateWake() => eventfd(0, NonBlocking | CloseOnExec);

    /// <summary>A descriptor that stands for nothing, kept so that there is one to give up.</summary>
    public static int CreateReserve() => eventfd(0, CloseOnExec);

    public static void Close(int descriptor) => _ = close(descriptor);

    /// <returns>Events, or negative.</returns>
    public static int Wait(int epoll, byte* events, int count, int milliseconds) => epoll_wait(epoll, events, count, milliseconds);

    public static uint Events(byte* events, int index) => *(uint*)(events + (index * EventBytes));

    public static ulong Data(byte* events, int index) => *(ulong*)(events + (index * EventBytes) + DataOffset);

    public static bool Register(int epoll, int descriptor, uint events, ulong data) => Control(epoll, Add, descriptor, events, data);

    public static bool Change(int epoll, int descriptor, uint events, ulong data) => Control(epoll, Modify, descriptor, events, data);

    public static void Unregister(int epoll, int descriptor) => Control(epoll, Delete, descriptor, 0, 0);

    static bool Control(int epoll, int operation, int descriptor, uint events, ulong data)
    {
        var buffer = stackalloc byte[16];
        *(uint*)buffer = events;
        *(ulong*)(buffer + DataOffset) = data;
        return epoll_ctl(epoll, operation, descriptor, buffer) == 0;
    }

    /// <summary>Adds one to an eventfd.</summary>
    public static void Wake(int descriptor)
    {
        ulong one = 1;
        while (write(descriptor, &one, 8) < 0 && Error == Interrupted) { }
    }

    /// <summary>Sets an eventfd to zero.</summary>
    public static void ClearWake(int descriptor)
    {
        ulong count;
        while (read(descriptor, &count, 8) < 0 && Error == Interrupted) { }
    }

    /// <returns>A listening socket, or negative with the error.</returns>
    public static int Listen(IPEndPoint endpoint, int backlog, out int error)
    {
        var six = endpoint.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
        var descriptor = socket(six ? Inet6 : Inet, Stream | NonBlocking | CloseOnExec, 0);
        error = descriptor < 0 ? Error : 0;
        if (descriptor < 0) return descriptor;
        var address = stackalloc byte[AddressBytes];
        var length = WriteAddress(endpoint, address);
        // NoDelay is inherited by what is accepted.
        if (!SetOption(descriptor, SocketLevel, ReuseAddress, 1) || !SetOption(descriptor, Tcp, NoDelay, 1)
            || (six && !SetOption(descriptor, Ip6, Ip6Only, 1))
            || bind(descriptor, address, length) != 0 || listen(descriptor, backlog) != 0)
        {
            error = Error;
            _ = close(descriptor);
            return -1;
        }
        return descriptor;
    }

    /// <returns>A connection, or negative.</returns>
    public static int Accept(int listener, out IPEndPoint? remote)
    {
        var address = stackalloc byte[AddressBytes];
        var length = AddressBytes;
        var descriptor = accept4(listener, address, &length, NonBlocking | CloseOnExec);
        remote = descriptor < 0 ? null : ReadAddress(address);
        return descriptor;
    }

    /// <returns>The address of this side; null if it cannot be told.</returns>
    public static IPEndPoint? LocalAddress(int descriptor)
    {
        var address = stackalloc byte[AddressBytes];
        var length = AddressBytes;
        return getsockname(descriptor, address, &length) == 0 ? ReadAddress(address) : null;
    }

    /// <summary>From now on the calling thread's pauses end when they are over, not up to 50 us later.</summary>
    public static bool MakePausesExact() => prctl(SetTimerSlack, 1, 0, 0, 0) == 0;

    /// <summary>Holds the calling thread, and uses no core meanwhile.</summary>
    public static void Pause(TimeSpan time)
    {
        var span = stackalloc long[2];      // struct timespec: seconds, nanoseconds
        span[0] = time.Ticks / TimeSpan.TicksPerSecond;
        span[1] = time.Ticks % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick;
        _ = nanosleep(span, null);          // a signal ends it early, and nothing depends on its length
    }

    public static nint Receive(int descriptor, byte* target, int length) => syscall(ReceiveFrom, descriptor, target, (nuint)length, 0, null, 0);

    public static nint Send(int descriptor, byte* source, int length) => syscall(SendTo, descriptor, source, (nuint)length, NoSignal, null, 0);

    /// <summary>Sends several pieces at once.</summary>
    public static nint Send(int descriptor, IoVector* vectors, int count)
    {
        var message = default(MessageHeader);
        message.Vectors = vectors;
        message.VectorCount = (nuint)count;
        return sendmsg(descriptor, &message, NoSignal);
    }

    public static void EndSending(int descriptor) => _ = shutdown(descriptor, WriteSide);

    /// <summary>Closes so that the other side sees a reset.</summary>
    public static void Reset(int descriptor)
    {
        var linger = stackalloc int[2] { 1, 0 };
        _ = setsockopt(descriptor, SocketLevel, Linger, linger, 8);
        _ = close(descriptor);
    }

    static bool SetOption(int descriptor, int level, int option, int value) =>
        setsockopt(descriptor, level, option, &value, sizeof(int)) == 0;

    // sockaddr_in: family 2, port 2 (big-endian), address 4, zeros 8. sockaddr_in6: family 2, port 2, flow 4, address 16, scope 4.
    static int WriteAddress(IPEndPoint endpoint, byte* target)
    {
        var six = endpoint.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
        new Span<byte>(target, AddressBytes).Clear();
        *(ushort*)target = (ushort)(six ? Inet6 : Inet);
        BinaryPrimitives.WriteUInt16BigEndian(new Span<byte>(target + 2, 2), (ushort)endpoint.Port);
        endpoint.Address.TryWriteBytes(new Span<byte>(target + (six ? 8 : 4), six ? 16 : 4), out _);
        if (six) *(uint*)(target + 24) = (uint)endpoint.Address.ScopeId;
        return six ? AddressBytes : 16;
    }

    static IPEndPoint ReadAddress(byte* source)
    {
        var port = BinaryPrimitives.ReadUInt16BigEndian(new ReadOnlySpan<byte>(source + 2, 2));
        return *(ushort*)source == Inet6
            ? new IPEndPoint(new IPAddress(new ReadOnlySpan<byte>(source + 8, 16), *(uint*)(source + 24)), port)
            : new IPEndPoint(new IPAddress(new ReadOnlySpan<byte>(source + 4, 4)), port);
    }

    public struct IoVector
    {
        public byte* Bytes;
        public nuint Length;
    }

    struct MessageHeader
    {
        public void* Name;
        public uint NameLength;
        public IoVector* Vectors;
        public nuint VectorCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }

    [LibraryImport("libc")]
    private static partial int epoll_create1(int flags);

    [LibraryImport("libc")]
    private static partial int epoll_ctl(int epoll, int operation, int descriptor, byte* change);

    [LibraryImport("libc")]
    private static partial int epoll_wait(int epoll, byte* events, int count, int milliseconds);

    [LibraryImport("libc")]
    private static partial int eventfd(uint count, int flags);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);

    [LibraryImport("libc")]
    private static partial nint read(int descriptor, void* target, nuint length);

    [LibraryImport("libc")]
    private static partial nint write(int descriptor, void* source, nuint length);

    [LibraryImport("libc")]
    private static partial int socket(int family, int type, int protocol);

    [LibraryImport("libc")]
    private static partial int bind(int descriptor, byte* address, int length);

    [LibraryImport("libc")]
    private static partial int listen(int descriptor, int backlog);

    [LibraryImport("libc")]
    private static partial int accept4(int descriptor, byte* address, int* length, int flags);

    [LibraryImport("libc")]
    private static partial int getsockname(int descriptor, byte* address, int* length);

    [LibraryImport("libc")]
    private static partial int setsockopt(int descriptor, int level, int option, void* value, int length);

    [LibraryImport("libc")]
    private static partial int shutdown(int descriptor, int how);

    [LibraryImport("libc")]
    private static partial nint syscall(nint number, nint descriptor, void* bytes, nuint length, nint flags, void* address, nint addressLength);

    [LibraryImport("libc")]
    private static partial int prctl(int option, nuint a, nuint b, nuint c, nuint d);

    [LibraryImport("libc")]
    private static partial int nanosleep(long* time, long* left);

    [LibraryImport("libc")]
    private static partial nint sendmsg(int descriptor, MessageHeader* message, int flags);
}
