namespace Aevum.Core.Network;

/// <summary>Which is better, with pauses or without, by the rate at which events come: mostly the one that was better so far, and now and then the
/// other, lest what changes go unseen.</summary>
sealed class PauseTrial
{
    // A stretch is long enough that a rate means something, and a twentieth of a second where requests are as few as is worth a pause.
    const int StretchEvents = 1024;
    const int StretchesToOneOther = 31;

    // So many at first are half and half.
    const int FirstComparisons = 4;

    // What saves the server work may cost the clients so much of their rate: less could not be told from chance.
    const double LeastGain = 0.97;
    const double Smoothing = 0.25;

    double _gain = 1;               // rate with pauses over that without, smoothed
    double _rate;                   // of the better one, smoothed
    int _comparisons, _stretches;
    long _events;
    TimeSpan _time;
    bool _isOther;

    /// <summary>With pauses is the better.</summary>
    public bool Favours => _gain >= LeastGain;

    /// <summary>What came in how much time since the last call.</summary>
    /// <returns>Whether to pause until the next.</returns>
    public bool Next(int events, TimeSpan time)
    {
        _events += events;
        _time += time;
        if (_events >= StretchEvents) EndStretch();
        return Favours != _isOther;
    }

    void EndStretch()
    {
        var rate = _events / Math.Max(_time.TotalSeconds, 1e-9);
        (_events, _time) = (0, TimeSpan.Zero);
        if (!_isOther)
        {
            _rate = _stretches++ == 0 ? rate : _rate + (Smoothing * (rate - _rate));
            _isOther = _comparisons < FirstComparisons || _stretches > StretchesToOneOther;
            return;
        }
        var favoured = Favours;
        _gain += Smoothing * ((favoured ? _rate / rate : rate / _rate) - _gain);
        _comparisons = Math.Min(_comparisons + 1, FirstComparisons);
        _isOther = false;
        // The smoothed rate is that of the favourite: with another one it begins anew.
        _stretches = Favours == favoured ? 1 : 0;
    }
}
