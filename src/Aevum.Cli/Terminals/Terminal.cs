// Terminal: where the commands read and write, given to them, so that a test can hold the other end.
//
// Always true: (1) colours and progress are for people: none reaches a file or a pipe, and NO_COLOR (no-color.org) or TERM=dumb turn colours
// off; (2) what scripts read goes to Out, everything else to Error; (3) Out is buffered: whoever waits for a person flushes first.

using System.Text;
using Aevum.Core.Errors;

namespace Aevum.Cli.Terminals;

/// <summary>How a piece of text is meant.</summary>
enum Tone
{
    Plain = 0,
    Quiet = 1,
    Key = 2,
    Good = 3,
    Bad = 4,
}

sealed class Terminal(TextReader input, TextWriter output, TextWriter error)
{
    const int BufferBytes = 32 << 10;

    public TextReader In { get; } = input;

    /// <summary>The input as bytes, for what need not be text. Whoever takes it leaves <see cref="In"/> alone.</summary>
    public Func<Stream> OpenBytesIn { get; init; } = () => new MemoryStream(Encoding.UTF8.GetBytes(input.ReadToEnd()));

    public TextWriter Out { get; } = output;

    /// <summary>The output as bytes, for what need not be text; null: only text is taken. Whoever uses it flushes <see cref="Out"/> before.</summary>
    public Func<Stream>? OpenBytesOut { get; init; }

    public TextWriter Error { get; } = error;

    /// <summary>The next key a person presses, not shown; null where keys cannot be had one by one.</summary>
    public Func<ConsoleKeyInfo>? ReadKey { get; init; }

    /// <summary>Cells of a row of the terminal.</summary>
    public Func<int> Width { get; init; } = () => 80;

    /// <summary>A person types: prompts are wanted.</summary>
    public bool IsInputInteractive { get; init; }

    /// <summary>A person watches <see cref="Out"/>: a live view may stand there.</summary>
    public bool IsOutputInteractive { get; init; }

    /// <summary>A person watches <see cref="Error"/>: progress may be redrawn in place.</summary>
    public bool IsErrorInteractive { get; init; }

    public bool UsesColor { get; init; }

    public static Terminal OfProcess()
    {
        var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        var isInteractive = !Console.IsInputRedirected && !Console.IsOutputRedirected;
        return new Terminal(
            Console.IsInputRedirected ? new StreamReader(Console.OpenStandardInput(), utf8) : Console.In,
            new StreamWriter(Console.OpenStandardOutput(), utf8, BufferBytes) { AutoFlush = false },
            new StreamWriter(Console.OpenStandardError(), utf8) { AutoFlush = true })
        {
            OpenBytesIn = Console.OpenStandardInput,
            OpenBytesOut = Console.OpenStandardOutput,
            ReadKey = isInteractive && Environment.GetEnvironmentVariable("TERM") != "dumb" ? ReadConsoleKey : null,
            Width = static () => Console.WindowWidth is var width and > 0 ? width : 80,   // some terminals do not tell
            IsInputInteractive = isInteractive,
            IsOutputInteractive = !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("TERM") != "dumb",
            IsErrorInteractive = !Console.IsErrorRedirected,
            UsesColor = !Console.IsOutputRedirected && WantsColor(Environment.GetEnvironmentVariable),
        };
    }

    // ^C is a key while a line is typed, and ends the program while a command runs.
    static ConsoleKeyInfo ReadConsoleKey()
    {
        Console.TreatControlCAsInput = true;
        try
        {
            return Console.ReadKey(intercept: true);
        }
        finally
        {
            Console.TreatControlCAsInput = false;
        }
    }

    internal static bool WantsColor(Func<string, string?> variable) => string.IsNullOrEmpty(variable("NO_COLOR")) && variable("TERM") != "dumb";

    public string Paint(Tone tone, string text) => !UsesColor || tone == Tone.Plain ? text : $"\e[{CodeOf(tone)}m{text}\e[0m";

    /// <summary>Says what went wrong, on its own line.</summary>
    public void Fail(string message)
    {
        // What was printed before stays before.
        Out.Flush();
        Error.WriteLine($"aevum: {message}");
    }

    /// <summary>Asks before something is destroyed.</summary>
    /// <param name="unasked">What does it without asking.</param>
    /// <exception cref="AevumException">InvalidArgument: the answer was no, or nobody can be asked.</exception>
    public void Confirm(string what, string unasked)
    {
        if (!IsInputInteractive) Throw.Invalid($"{what}: nobody can be asked here; {unasked} does it unasked");
        Out.Write($"{what}? Type yes to go on: ");
        Out.Flush();
        if (In.ReadLine()?.Trim() != "yes") Throw.Invalid("nothing was done");
    }

    public void Flush()
    {
        Out.Flush();
        Error.Flush();
    }

    static string CodeOf(Tone tone) => tone switch
    {
        Tone.Quiet => "2",
        Tone.Key => "36",
        Tone.Good => "32",
        _ => "31",
    };
}
