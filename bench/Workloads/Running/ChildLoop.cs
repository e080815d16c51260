// ChildLoop: the inner side of the protocol. One engine, one process: reads a task per line, runs it, answers with a line. Ends with
// its input. Standard output carries replies only; progress goes to standard error.

using Aevum.Bench.Workloads.Engines;

namespace Aevum.Bench.Workloads.Running;

static class ChildLoop
{
    public static int Run(string engineName, TextReader input, TextWriter output, TextWriter progress)
    {
        while (input.ReadLine() is { } line)
        {
            RoundReply reply;
            try
            {
                var task = RoundTask.Parse(line);
                reply = new() { Readings = [.. EngineTable.Find(engineName).Run(task, progress)] };
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                // A failed round is an answer too: the coordinator reports the rows it would have fed and goes on.
                reply = new() { Error = e is BenchException ? e.Message : e.ToString() };
            }
            output.WriteLine(reply.ToLine());
            output.Flush();
        }
        return 0;
    }
}
