// Certificates: the certificate of the doors with TLS, from two files in PEM (RFC 7468), read again when they change: a certificate that is renewed in
// its place is shown to the next client, without a restart and without a connection lost.
//
// A pair that cannot be used (half written, key and certificate of different pairs) is told once and changes nothing: the one before goes on. Contents
// are compared, not times: what is renamed into place or linked anew is seen as well.

using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Aevum.Core.Diagnostics;
using Aevum.Core.Errors;
using Aevum.Core.Files;

namespace Aevum.Server.Hosting;

/// <param name="CertificateFile">The certificate first, then those that vouch for it.</param>
/// <param name="KeyPassword">Null: the key is not encrypted.</param>
public sealed record CertificateFiles(string CertificateFile, string KeyFile, string? KeyPassword = null);

sealed class Certificates
{
    readonly IFileSystem _files;
    readonly CertificateFiles _source;
    readonly ILog _log;
    SslServerAuthenticationOptions _options;
    byte[] _seen;

    /// <exception cref="AevumException">InvalidArgument: it is no certificate with its key; NotFound, InputOutput: a file cannot be read.</exception>
    public Certificates(IFileSystem files, CertificateFiles source, ILog log)
    {
        (_files, _source, _log) = (files, source, log);
        (var certificate, var key, _seen) = ReadFiles();
        _options = Load(certificate, key);
    }

    /// <summary>What the next handshake uses.</summary>
    public SslServerAuthenticationOptions Options => Volatile.Read(ref _options);

    /// <summary>Looks whether the files have changed. One caller at a time.</summary>
    public void Look()
    {
        try
        {
            var (certificate, key, seen) = ReadFiles();
            if (seen.AsSpan().SequenceEqual(_seen)) return;
            _seen = seen;   // told once, whatever comes of it
            Volatile.Write(ref _options, Load(certificate, key));
            _log.Write(LogLevel.Info, "certificate reloaded", ("file", _source.CertificateFile));
        }
        catch (AevumException wrong)
        {
            _log.Write(LogLevel.Error, "certificate not reloaded, the one before goes on", ("file", _source.CertificateFile), ("why", wrong.Message));
        }
    }

    (string Certificate, string Key, byte[] Seen) ReadFiles()
    {
        var (certificate, key) = (_files.ReadAllBytes(_source.CertificateFile), _files.ReadAllBytes(_source.KeyFile));
        var seen = SHA256.HashData([.. SHA256.HashData(certificate), .. SHA256.HashData(key)]);
        return (Encoding.ASCII.GetString(certificate), Encoding.ASCII.GetString(key), seen);
    }

    SslServerAuthenticationOptions Load(string certificate, string key)
    {
        try
        {
            var own = _source.KeyPassword is { } password
                ? X509Certificate2.CreateFromEncryptedPem(certificate, key, password)
                : X509Certificate2.CreateFromPem(certificate, key);
            // Windows takes no key that lives in memory alone for a handshake.
            if (OperatingSystem.IsWindows()) own = X509CertificateLoader.LoadPkcs12(own.Export(X509ContentType.Pfx), null);
            var chain = new X509Certificate2Collection();
            chain.ImportFromPem(certificate);
            return new SslServerAuthenticationOptions { ServerCertificateContext = SslStreamCertificateContext.Create(own, chain, offline: true) };
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new AevumException(
                ErrorCode.InvalidArgument, $"{_source.CertificateFile} with {_source.KeyFile} is no certificate with its key in PEM: {e.Message}", e);
        }
    }
}
