// Coalescing: how long a loop that is faster than its clients lets requests gather before it looks for them.
//
// Such a loop is woken for every request or two, and what a turn costs - the wait, the commit, falling asleep, and being woken, for which a client's send
// pays - is paid for each of them. A pause of some microseconds in which nobody looks brings several in one turn. Network cards treat their interrupts so
// (interrupt coalescing: J. Mogul, K. Ramakrishnan, ACM TOCS 15:3, 1997), PostgreSQL its commits (commit_delay, commit_siblings).
//
// A pause is paid for in latency, so there is none unless it is a small part of what a client waits anyway. Events are looked at in windows of 64:
//
//   connections    how many different ones they came from. Few: whoever waits for his reply to ask again would find the loop asleep. No pause.
//   cycle          the time after which each of them was heard again: the window's time / events * connections. A pause is an eighth of it.
//   interval       from event to event. Where not even four come within the longest pause that is allowed, there is nothing to gather.
//   turns          brought a third of the connections or more, on average: the loop is the slower side, and needs no pause.
//
// Nor is there one after a turn that brought an eighth of the connections by itself: those who were answered together ask together again, so a crowd that
// one pause has made stays one for a while.
//
// What is left to find out is whether the clients have something else to do meanwhile, as those have that share a core, or only wait. That is asked of
// them: PauseTrial compares the rates at which they come with pauses and without.
//
// Always true: a pause is at most the longest allowed; a window has at most twice the pauses that should have filled it, so that the last of many
// clients is not held up by what was true before the others left.

namespace Aevum.Core.Network;

sealed class Coalescing(TimeProvider time, TimeSpan longest)
{
    public const int WindowEvents = 64;
    public const int ConnectionsLeast = 24;

    /// <summary>Events that the longest pause has to bring for there to be any.</summary>
    public const int Gathered = 4;

    /// <summary>The part of a cycle that a pause takes, and of the connections that one should bring.</summary>
    public const int Part = 8;

    // Below it the timer costs more than what is gathered saves.
    static readonly TimeSpan s_shortest = TimeSpan.FromMicroseconds(8);

    readonly PauseTrial _trial = new();
    long _begun = time.GetTimestamp();
    uint _window = 1;
    int _events, _connections, _turns;
    int _left, _crowd;          // pauses that this window may still have; a turn of more events needs none
    TimeSpan _pause;

    /// <summary>An event of a connection.</summary>
    /// <param name="heardIn">The connection's own; zero at first.</param>
    public void Count(ref uint heardIn)
    {
        _events++;
        if (heardIn == _window) return;
        heardIn = _window;
        _connections++;
    }

    /// <summary>Between two turns.</summary>
    /// <param name="events">What the last one brought.</param>
    /// <returns>How long to wait before the next; zero: not at all.</returns>
    public TimeSpan Next(int events)
    {
        _turns++;
        if (_events >= WindowEvents) EndWindow();
        if (_left == 0 || events == 0 || events > _crowd) return TimeSpan.Zero;
        _left--;
        return _pause;
    }

    void EndWindow()
    {
        var now = time.GetTimestamp();
        var spent = time.GetElapsedTime(_begun, now);
        var interval = spent / _events;
        _pause = interval * _connections / Part;
        if (_pause > longest) _pause = longest;
        var couldPay = _connections >= ConnectionsLeast && _pause >= s_shortest && interval * Gathered <= longest && 3 * _events < _connections * _turns;
        _crowd = _connections / Part;
        _left = couldPay && _trial.Next(_events, spent) ? 2 * Part * WindowEvents / _connections : 0;
        _begun = now;
        _events = _connections = _turns = 0;
        // Zero is what a connection begins with.
        if (++_window == 0) _window = 1;
    }
}
