// Aevum.Simulation: runs seeds and says which did not hold.
//
//   storage|engine|sessions --seeds N [--first S] [--threads T] [--trace] [--history FILE]
//
// Every seed is a world of its own (StorageRun; of the engine two: EngineRun and, above it, SessionRun). Each sixteenth is run twice, and must leave
// the same trace: what differs looked at real time, real randomness or an address. The last line says `N passed, N failed`; the exit code is 1 if a
// seed failed.

using System.Diagnostics;
using System.Globalization;
using Aevum.Simulation;
using Aevum.Simulation.Storage;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (!SimulationArguments.TryParse(args, out var arguments))
{
    Console.Error.WriteLine("usage: storage|engine|sessions --seeds N [--first S] [--threads T] [--trace] [--history FILE]");
    return 2;
}

// A broken assertion must fail its seed, not end the process.
Trace.Listeners.Clear();
Trace.Listeners.Add(new ThrowingListener());
return new SeedRunner(arguments).Run();
