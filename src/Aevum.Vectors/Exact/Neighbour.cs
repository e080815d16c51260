namespace Aevum.Vectors;

/// <summary>A row that was found.</summary>
/// <param name="Row">Its number in the index.</param>
/// <param name="Distance">From the query, in the units of the shape's metric: smaller is nearer.</param>
public readonly record struct Neighbour(uint Row, float Distance);
