namespace Aevum.Simulation.Storage;

/// <summary>The store did something that its model did not.</summary>
sealed class SimulationFailure : Exception
{
    public SimulationFailure(string message, Exception? innerException = null) : base(message, innerException) { }
}
