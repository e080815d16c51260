namespace Aevum.Engine.Sequencing.Locks;

/// <summary>Owners whose waits ended under the gate, to be woken when it is open again: who wakes wants the gate first of all.</summary>
/// <remarks>A wake that comes late, when its owner has long gone on, is harmless: whoever waits looks at its own state. One alone, which
/// is the rule, needs no list.</remarks>
struct WakeList
{
    LockOwner? _first;
    List<LockOwner>? _more;

    public void Add(LockOwner owner)
    {
        if (_first is null) _first = owner;
        else (_more ??= []).Add(owner);
    }

    public readonly void Raise()
    {
        if (_first is null) return;
        _first.Signal?.Raise();
        if (_more is null) return;
        foreach (var owner in _more) owner.Signal?.Raise();
    }
}
