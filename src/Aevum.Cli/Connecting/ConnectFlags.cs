using System.CommandLine;
using Aevum.Core.Errors;

namespace Aevum.Cli.Connecting;

/// <summary>Options that say whom to speak to. A password comes from a file or from AEVUM_PASSWORD, never from the command line.</summary>
sealed class ConnectFlags
{
    readonly Option<string?> _address = new("--connect") { Description = "Speak to the server at HOST:PORT instead of opening a directory." };
    readonly Option<string?> _user = new("--user") { Description = "In whose name; with a password." };
    readonly Option<string?> _passwordFile = new("--password-file") { Description = "The file that holds the password; else AEVUM_PASSWORD does." };
    readonly Option<bool> _tls = new("--tls") { Description = "Encrypt, and let the server show its certificate." };
    readonly Option<string?> _authority = new("--tls-ca") { Description = "Certificates to trust instead of the machine's (PEM)." };
    readonly Option<int> _database = new("--db") { Description = "Number of the database." };

    /// <param name="withAddress">False: the command has another way to say where the server is.</param>
    public void AddTo(Command command, bool withAddress = true)
    {
        if (withAddress) command.Add(_address);
        foreach (var option in (Option[])[_user, _passwordFile, _tls, _authority, _database]) command.Add(option);
    }

    /// <returns>Null: nobody is to be spoken to.</returns>
    /// <exception cref="AevumException">InvalidArgument: it is no address. InputOutput: the password's file cannot be read.</exception>
    public ConnectOptions? Read(ParseResult parsed) => parsed.GetValue(_address) is { } address ? Read(parsed, address) : null;

    /// <param name="address">HOST:PORT.</param>
    /// <exception cref="AevumException">As of the other.</exception>
    public ConnectOptions Read(ParseResult parsed, string address)
    {
        var (host, port) = ConnectOptions.ParseAddress(address);
        var user = parsed.GetValue(_user);
        var password = PasswordOf(parsed.GetValue(_passwordFile));
        if (user is not null && password is null) Throw.Invalid("--user needs a password: --password-file FILE, or AEVUM_PASSWORD");
        return new ConnectOptions(host, port, user, password, parsed.GetValue(_tls), parsed.GetValue(_authority), parsed.GetValue(_database));
    }

    static string? PasswordOf(string? file)
    {
        if (file is null) return Environment.GetEnvironmentVariable("AEVUM_PASSWORD") is { Length: > 0 } given ? given : null;
        try
        {
            return File.ReadAllText(file).TrimEnd('\n', '\r');
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new AevumException(ErrorCode.InputOutput, $"{file}: {failure.Message}", failure);
        }
    }
}
