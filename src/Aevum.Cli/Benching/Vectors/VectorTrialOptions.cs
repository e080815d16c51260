using Aevum.Vectors;

namespace Aevum.Cli.Benching.Vectors;

/// <summary>What is tried.</summary>
/// <param name="Queries">Vectors held out of the indexes and asked for; at most a tenth of all.</param>
/// <param name="K">Neighbours that each query wants.</param>
/// <param name="Recall">What the recommendation must reach.</param>
/// <param name="RowsMax">Vectors taken from the file at most.</param>
sealed record VectorTrialOptions(Metric Metric, int Queries, int K, double Recall, int RowsMax, int M, int EfConstruction, int Threads, ulong Seed);
