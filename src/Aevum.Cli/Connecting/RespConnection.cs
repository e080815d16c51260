// RespConnection: one connection to a server of Redis' protocol: opened, perhaps encrypted, greeted (HELLO 3, with the user's password), asked.
//
// A server that knows no HELLO is spoken to in the second version. A certificate must be valid for the host's name and come from somebody this machine
// trusts, or from the file that was given.

using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Aevum.Core.Errors;

namespace Aevum.Cli.Connecting;

/// <summary>Whom to speak to, and as whom.</summary>
/// <param name="User">Null: the user default, if there is a password.</param>
/// <param name="Password">Null: none is told.</param>
/// <param name="Authority">A file of certificates to trust beside the machine's; null: those alone.</param>
sealed record ConnectOptions(string Host, int Port, string? User, string? Password, bool Tls, string? Authority, int Database)
{
    /// <summary>HOST:PORT, [IPv6]:PORT, or a host alone.</summary>
    /// <exception cref="AevumException">InvalidArgument.</exception>
    public static (string Host, int Port) ParseAddress(string text)
    {
        const int usual = 6379;
        var colon = text.LastIndexOf(':');
        var isNaked = colon >= 0 && text.IndexOf(':', StringComparison.Ordinal) != colon && !text.Contains(']', StringComparison.Ordinal);
        if (colon < 0 || isNaked || text.EndsWith(']')) return (Host(text), usual);
        if (!int.TryParse(text.AsSpan(colon + 1), out var port) || port is < 1 or > 65535) Throw.Invalid($"{text} is no HOST:PORT");
        return (Host(text[..colon]), port);

        string Host(string host)
        {
            host = host.StartsWith('[') && host.EndsWith(']') ? host[1..^1] : host;
            return host.Length > 0 ? host : throw new AevumException(ErrorCode.InvalidArgument, $"{text} is no HOST:PORT");
        }
    }
}

sealed class RespConnection : IDisposable
{
    readonly Stream _stream;
    readonly RespReader _reader;

    RespConnection(Stream stream)
    {
        _stream = stream;
        _reader = new RespReader(stream);
    }

    /// <summary>Connects, and says who is there.</summary>
    /// <exception cref="AevumException">InputOutput: nobody answers there, or not as he should. InvalidArgument: the server does not let this user
    /// in.</exception>
    public static RespConnection Open(ConnectOptions options)
    {
        var connection = new RespConnection(Connect(options));
        try
        {
            connection.Greet(options);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    static Stream Connect(ConnectOptions options)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.Connect(options.Host, options.Port);
            var plain = new NetworkStream(socket, ownsSocket: true);
            if (!options.Tls) return plain;
            var secured = new SslStream(plain);
            secured.AuthenticateAsClient(new SslClientAuthenticationOptions
            {
                TargetHost = options.Host,
                CertificateChainPolicy = options.Authority is { } file ? PolicyOf(file) : null,
            });
            return secured;
        }
        catch (Exception failure) when (failure is SocketException or IOException or System.Security.Authentication.AuthenticationException
            or System.Security.Cryptography.CryptographicException)
        {
            socket.Dispose();
            throw new AevumException(ErrorCode.InputOutput, $"{options.Host}:{options.Port}: {failure.Message}", failure);
        }
    }

    static X509ChainPolicy PolicyOf(string file)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPemFile(file);
        return policy;
    }

    void Greet(ConnectOptions options)
    {
        var said = options.Password is { } password ? Ask("HELLO", "3", "AUTH", options.User ?? "default", password) : Ask("HELLO", "3");
        if (said is { Kind: RespKind.Error } && said.Text.StartsWith("ERR unknown command", StringComparison.Ordinal))
        {
            if (options.Password is not { } old) said = RespReply.Nil;
            else said = options.User is { } user ? Ask("AUTH", user, old) : Ask("AUTH", old);
        }
        // Without a password a server may want one for everything: whoever types AUTH goes on.
        if (said.Kind == RespKind.Error && (options.Password is not null || !said.Text.StartsWith("NOAUTH", StringComparison.Ordinal)))
            throw new AevumException(ErrorCode.InvalidArgument, $"{options.Host}:{options.Port} does not let us in: {said.Text}");
        if (options.Database == 0) return;
        if (Ask("SELECT", options.Database.ToString(System.Globalization.CultureInfo.InvariantCulture)) is { Kind: RespKind.Error } refused)
            throw new AevumException(ErrorCode.InvalidArgument, refused.Text);
    }

    public RespReply Ask(params string[] words)
    {
        Send([.. words.Select(Encoding.UTF8.GetBytes)]);
        return Read();
    }

    /// <exception cref="AevumException">InputOutput: the connection broke.</exception>
    public void Send(IReadOnlyList<byte[]> words)
    {
        using var request = new MemoryStream();
        request.Write(Encoding.ASCII.GetBytes($"*{words.Count}\r\n"));
        foreach (var word in words)
        {
            request.Write(Encoding.ASCII.GetBytes($"${word.Length}\r\n"));
            request.Write(word);
            request.Write("\r\n"u8);
        }
        try
        {
            _stream.Write(request.GetBuffer().AsSpan(0, (int)request.Length));
            _stream.Flush();
        }
        catch (IOException failure)
        {
            throw new AevumException(ErrorCode.InputOutput, $"the connection broke: {failure.InnerException?.Message ?? failure.Message}", failure);
        }
    }

    /// <summary>The next reply, or what was sent unasked.</summary>
    public RespReply Read() => _reader.Read();

    /// <summary>The bytes themselves, for whoever asks much at once and reads only what replies come to: from then on they are his, and there is
    /// nothing here to ask any more.</summary>
    public Stream Detach() => _stream;

    public void Dispose() => _stream.Dispose();
}
