// CodebookKeeper: the life of a codebook beside vectors that keep coming. Learns late, watches whether what comes is still like what it learnt from, and
// says when to learn again.
//
//   Collecting -> Trained   [Train]            Collecting: fewer vectors than needed were shown, or nobody asked; there are no codes
//   Trained    -> Trained   [Train]            after IsRetrainingDue, or whenever the owner likes; codes made before belong to the old codebook
//
// Drift: of every so many vectors shown since the training, the error of its code is measured; when the mean over a window is above the error of the
// training by a factor, retraining is due. The sample is begun anew at each training, from what was shown since: it learns what the data is now.
//
// Always true: given the seed and the order of calls, the same codebooks. One thread at a time; who encodes and searches takes Current once.
// Not here: when vectors are encoded again (the index does, by Generation).

using Aevum.Core.Errors;
using Aevum.Core.Scheduling;

namespace Aevum.Vectors.Quantization;

/// <param name="TrainFrom">Vectors to be shown before the first training.</param>
/// <param name="SampleMax">Vectors kept to learn from. Each takes 4 bytes a component.</param>
/// <param name="MeasureEvery">Every so many vectors the error is measured.</param>
/// <param name="Window">Measurements that the mean of the recent error is taken over.</param>
/// <param name="DriftMax">Retraining is due when the recent error is above that of the training by this factor.</param>
sealed record CodebookKeeperOptions(int TrainFrom = 10_000, int SampleMax = 32_768, int MeasureEvery = 16, int Window = 512, double DriftMax = 1.25);

sealed unsafe class CodebookKeeper : IDisposable
{
    readonly QuantizationOptions _options;
    readonly CodebookKeeperOptions _keeping;
    readonly SeededRandom _random;
    readonly VectorSample _sample;
    readonly NativeBlock _scratch;
    readonly Queue<double> _recent = new();
    double _recentSum;
    long _sinceMeasured;

    public CodebookKeeper(VectorShape shape, QuantizationOptions options, CodebookKeeperOptions keeping, SeededRandom random, MemoryBudget budget)
    {
        if (keeping.TrainFrom < 1 || keeping.MeasureEvery < 1 || keeping.Window < 1 || !(keeping.DriftMax > 1)) Throw.Invalid("the keeping of a codebook");
        (_options, _keeping, _random) = (options, keeping, random);
        _sample = new(shape, keeping.SampleMax, random, budget);
        try
        {
            _scratch = new((long)shape.Dimension * sizeof(float), budget);
        }
        catch
        {
            _sample.Dispose();
            throw;
        }
    }

    /// <summary>The codebook; null while there is none.</summary>
    public Quantizer? Current { get; private set; }

    /// <summary>How many codebooks there were: codes made under an older one are to be made again.</summary>
    public int Generation { get; private set; }

    /// <summary>Mean error of what was measured recently, to be compared with <see cref="Quantizer.TrainingError"/>; 0 before anything was measured.</summary>
    public double RecentError => _recent.Count == 0 ? 0 : _recentSum / _recent.Count;

    /// <summary>Enough was shown for a first training.</summary>
    public bool IsTrainingDue => Current is null && _sample.Shown >= _keeping.TrainFrom;

    /// <summary>The vectors that come are no longer like those it was trained on, and there are enough new ones to learn from.</summary>
    public bool IsRetrainingDue =>
        Current is not null && _recent.Count == _keeping.Window && RecentError > Current.TrainingError * _keeping.DriftMax
        && _sample.Count >= Math.Min(_keeping.TrainFrom, _keeping.SampleMax);

    /// <summary>Shows a stored vector that joins the index.</summary>
    public void Show(byte* stored)
    {
        var vector = (float*)_scratch.Pointer;
        VectorFloats.Read(_sample.Shape, stored, vector);
        _sample.Add(vector);
        if (Current is null || ++_sinceMeasured < _keeping.MeasureEvery) return;
        _sinceMeasured = 0;
        var error = Current.ErrorOf(vector);
        _recent.Enqueue(error);
        _recentSum += error;
        if (_recent.Count > _keeping.Window) _recentSum -= _recent.Dequeue();
    }

    /// <summary>Learns from what was shown since the last training. The codebook before stays usable until it is disposed by who uses it.</summary>
    /// <exception cref="AevumException">InvalidArgument: nothing was shown.</exception>
    public Quantizer Train()
    {
        if (_sample.Count == 0) Throw.Invalid("no vectors were shown since the last training");
        Current = Quantizer.Train(_options, _sample, _random);
        Generation++;
        _sample.Clear();
        _recent.Clear();
        (_recentSum, _sinceMeasured) = (0, 0);
        return Current;
    }

    /// <summary>Goes on with a codebook that was learnt before, and watches what is shown from now on.</summary>
    /// <param name="learnt">Disposed of by who uses it.</param>
    public void Adopt(Quantizer learnt) => Current = learnt;

    public void Dispose()
    {
        _sample.Dispose();
        _scratch.Dispose();
    }
}
