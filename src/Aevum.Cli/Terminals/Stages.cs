// Stages: tells a person how far long work has come. On a terminal a bar a stage, redrawn in place; elsewhere a line when a stage is done, so
// that a log file stays readable.
//
//   Stages.Run(terminal, time, stages => { stages.Begin("synsets", 10_000); ... stages.Advance(100); ... })
//
// A stage ends when the next one begins, or with the work. Everything goes to the error output: the other one belongs to results.

using System.Globalization;
using Spectre.Console;

namespace Aevum.Cli.Terminals;

abstract class Stages(TimeProvider time)
{
    long _started;

    protected string Name { get; private set; } = "";

    protected long Total { get; private set; }

    protected long Done { get; private set; }

    /// <summary>Runs work that reports its stages.</summary>
    public static void Run(Terminal terminal, TimeProvider time, Action<Stages> work)
    {
        if (!terminal.IsErrorInteractive)
        {
            var lines = new LineStages(time, terminal.Error);
            work(lines);
            lines.End();
            return;
        }
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(terminal.Error),
            ColorSystem = terminal.UsesColor ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
        });
        console.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn()).Start(context =>
        {
            var bars = new BarStages(time, context);
            work(bars);
            bars.End();
        });
    }

    /// <param name="name">What is being worked on.</param>
    /// <param name="total">How much of it there is, in any unit; what is counted by <see cref="Advance"/>. 0: nobody knows.</param>
    public void Begin(string name, long total)
    {
        End();
        (Name, Total, Done, _started) = (name, total, 0, time.GetTimestamp());
        Show();
    }

    public void Advance(long count)
    {
        Done += count;
        Changed();
    }

    public void End()
    {
        if (Name.Length == 0) return;
        Finish();
        Name = "";
    }

    /// <summary>The stage that runs, with its count and rate.</summary>
    protected string Describe()
    {
        var seconds = time.GetElapsedTime(_started).TotalSeconds;
        var rate = seconds > 0 ? (long)(Done / seconds) : 0;
        return string.Create(CultureInfo.InvariantCulture, $"{Name,-12} {Done,11:N0}   {rate,11:N0} a second");
    }

    protected abstract void Show();

    protected abstract void Changed();

    protected abstract void Finish();

    sealed class LineStages(TimeProvider time, TextWriter writer) : Stages(time)
    {
        protected override void Show() { }

        protected override void Changed() { }

        protected override void Finish() => writer.WriteLine(Describe());
    }

    sealed class BarStages(TimeProvider time, ProgressContext context) : Stages(time)
    {
        ProgressTask? _bar;

        protected override void Show()
        {
            _bar = context.AddTask(Markup.Escape(Name), maxValue: Math.Max(1, Total));
            _bar.IsIndeterminate = Total == 0;
        }

        protected override void Changed()
        {
            if (Total > 0) _bar!.Value = Done;
            _bar!.Description = Markup.Escape(Describe());
        }

        protected override void Finish()
        {
            _bar!.Description = Markup.Escape(Describe());
            _bar.IsIndeterminate = false;
            _bar.Value = _bar.MaxValue;
            _bar.StopTask();
        }
    }
}
