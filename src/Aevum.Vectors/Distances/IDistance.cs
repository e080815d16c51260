namespace Aevum.Vectors;

/// <summary>The distance between vectors of one shape. A struct, so that generic code becomes a loop of its own for each kernel, without calls
/// through a table. Smaller is nearer.</summary>
/// <remarks>The first argument is a stored vector, or a prepared query where the kernel came from <see cref="DistanceDispatch.RunPrepared"/>; the others
/// are stored vectors. Pointers need no alignment. Nothing is read outside of the vectors' bytes. Nothing is checked here.</remarks>
unsafe interface IDistance
{
    float One(byte* query, byte* vector);

    /// <summary>Four distances at once, which is cheaper than four times one: each load of the query serves four vectors.</summary>
    /// <param name="results">Room for four; each is what <see cref="One"/> gives, except for the last bits.</param>
    void Four(byte* query, byte* a, byte* b, byte* c, byte* d, float* results);
}

/// <summary>Code that is to run with whatever kernel a shape and this machine need.</summary>
interface IDistanceVisitor<TResult>
{
    TResult Visit<TDistance>(TDistance distance) where TDistance : struct, IDistance;
}
