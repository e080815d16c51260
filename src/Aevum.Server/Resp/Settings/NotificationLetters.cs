using System.Text;
using Aevum.Server.Resp.Commands;

namespace Aevum.Server.Resp.Settings;

/// <summary>The letters of notify-keyspace-events.</summary>
static class NotificationLetters
{
    static readonly (char Letter, NotificationClass Class)[] Classes =
    [
        ('g', NotificationClass.Generic), ('$', NotificationClass.String), ('l', NotificationClass.List), ('s', NotificationClass.Set),
        ('h', NotificationClass.Hash), ('z', NotificationClass.SortedSet), ('x', NotificationClass.Expired), ('e', NotificationClass.Evicted),
        ('t', NotificationClass.Stream), ('d', NotificationClass.Module), ('n', NotificationClass.New),
    ];

    public static bool TryRead(string letters, out NotificationClass classes)
    {
        classes = NotificationClass.None;
        foreach (var letter in letters)
        {
            var one = letter switch
            {
                'A' => NotificationClass.All,
                'K' => NotificationClass.Keyspace,
                'E' => NotificationClass.Keyevent,
                'm' => NotificationClass.KeyMiss,
                _ => Array.Find(Classes, c => c.Letter == letter).Class,
            };
            if (one == NotificationClass.None) return false;
            classes |= one;
        }
        return true;
    }

    /// <summary>In the order in which Redis tells them.</summary>
    public static string TextOf(NotificationClass classes)
    {
        var text = new StringBuilder();
        if ((classes & NotificationClass.All) == NotificationClass.All)
        {
            text.Append('A');
        }
        else
        {
            foreach (var (letter, one) in Classes)
                if ((classes & one) != 0) text.Append(letter);
        }
        if ((classes & NotificationClass.Keyspace) != 0) text.Append('K');
        if ((classes & NotificationClass.Keyevent) != 0) text.Append('E');
        if ((classes & NotificationClass.KeyMiss) != 0) text.Append('m');
        return text.ToString();
    }
}
