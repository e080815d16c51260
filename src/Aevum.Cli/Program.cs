using Aevum.Cli;
using Aevum.Cli.Terminals;

var terminal = Terminal.OfProcess();
try
{
    return CommandLine.Run(args, terminal);
}
finally
{
    terminal.Flush();
}
