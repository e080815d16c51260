using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Testing;
using Aevum.Vectors.Postings;

namespace Aevum.Vectors.Tests.Postings;

public sealed unsafe class FilePostingStoreTests
{
    const string Home = "p";

    static readonly FileOperation[] Failing = [FileOperation.Create, FileOperation.SyncDirectory, FileOperation.Read, FileOperation.Append];

    static FilePostingOptions Small(SeededRandom random) => new(random.OneIn(2) ? 600 : 4_000, random.Next(1, 5));

    [Theory, Seeds(60)]
    public void It_is_a_dictionary_of_bytes_that_is_opened_again(ulong seed)
    {
        var random = new SeededRandom(seed);
        var files = new MemoryFileSystem();
        var options = Small(random);
        var model = new Model();
        var store = Open(files, options, model);
        for (var step = 0; step < 120; step++)
        {
            switch (random.Next(20))
            {
                case 0:
                    store.Dispose();
                    store = Open(files, options, model);
                    break;
                case 1:
                    model.Save(store);
                    break;
                case 2:
                    store.Sync();
                    break;
                default:
                    model.Write(store, random);
                    break;
            }
            model.AssertSame(store, random);
        }
        store.Dispose();
    }

    [Theory, Seeds(60)]
    public void After_a_crash_what_was_synced_is_there_and_writes_are_whole(ulong seed)
    {
        var random = new SeededRandom(seed);
        var files = new FaultyFileSystem(seed);
        files.Plan.SectorBytes = random.OneIn(2) ? 512 : 4096;
        var options = Small(random);
        var model = new Model();
        for (var life = 0; life < 5; life++)
        {
            var isCut = random.OneIn(2);
            var death = files.ChangeCount + random.Next(1, 60);
            if (isCut) files.Plan.PowerCutAt = death;
            else files.Plan.KillAt = death;
            var trial = model.Copy();
            var states = new List<Model>();
            var promised = 0;
            try
            {
                using var store = Open(files, options, trial);
                states.Add(trial.Copy());
                for (var step = 0; step < 200; step++)
                {
                    if (random.OneIn(8))
                    {
                        store.Sync();
                        promised = states.Count - 1;
                    }
                    else if (random.OneIn(12))
                    {
                        // Whatever becomes of it: all that was written before is on the disk once it has begun well.
                        trial.Save(store);
                        promised = states.Count - 1;
                        states[^1] = trial.Copy();
                    }
                    else
                    {
                        trial.Write(store, random, () => states.Add(trial.Copy()));
                        if (!isCut) promised = states.Count - 2;
                    }
                }
            }
            catch (AevumException e)
            {
                Assert.Equal(ErrorCode.Closed, e.Code);
            }
            files = files.Successor ?? files.PowerCut();
            files.Plan.Heal();
            if (states.Count == 0) continue;   // not even opened: as before
            // A write that was under way may be there.
            var found = new Model();
            using (Open(files, options, found, isNew: true)) { }
            var at = states.FindLastIndex(s => s.HasSamePostings(found));
            Assert.True(at >= Math.Max(0, promised), $"life {life}: {at} of {states.Count}, {promised} promised");
            model = found;
        }
    }

    [Theory, Seeds(40)]
    public void A_failing_write_changes_nothing(ulong seed)
    {
        var random = new SeededRandom(seed);
        var files = new FaultyFileSystem(seed);
        var options = Small(random);
        var model = new Model();
        var store = Open(files, options, model);
        for (var step = 0; step < 80; step++)
        {
            if (random.OneIn(6))
                files.Plan.FailNth(Failing[random.Next(Failing.Length)], 1, random.OneIn(2) ? ErrorCode.DiskFull : ErrorCode.InputOutput);
            var before = model.Copy();
            try
            {
                if (random.OneIn(10)) model.Save(store);
                else model.Write(store, random);
            }
            catch (AevumException e)
            {
                Assert.True(e.Code is ErrorCode.DiskFull or ErrorCode.InputOutput, e.ToString());
                model = before;
            }
            files.Plan.Heal();
            model.AssertSame(store, random);
        }
        // A failed sync ends the store.
        model.Write(store, random);
        files.Plan.FailNth(FileOperation.Sync, 1);
        Assert.Equal(ErrorCode.InputOutput, Assert.Throws<AevumException>(store.Sync).Code);
        Assert.Equal(ErrorCode.Closed, Assert.Throws<AevumException>(() => model.Copy().Write(store, random)).Code);
        store.Dispose();
        using var after = Open(files, options, model, check: false);
        model.AssertSame(after, random);
    }

    [Theory, Seeds(25)]
    public void Damage_is_found_or_is_at_the_very_end(ulong seed)
    {
        var random = new SeededRandom(seed);
        var options = Small(random);
        var files = new MemoryFileSystem();
        var model = new Model();
        var states = new List<Model>();
        using (var store = Open(files, options, model))
        {
            for (var step = 0; step < 40; step++)
            {
                if (random.OneIn(15)) model.Save(store);
                else model.Write(store, random);
                store.Sync();
                states.Add(model.Copy());
            }
        }
        var names = files.ListFiles(Home).Where(n => n != "lock").ToArray();
        for (var round = 0; round < 60; round++)
        {
            var name = names[random.Next(names.Length)];
            var copy = new MemoryFileSystem();
            copy.CreateDirectory(Home);
            foreach (var n in names)
            {
                var bytes = files.ReadAllBytes(FilePaths.Combine(Home, n));
                if (n == name && bytes.Length > 0)
                {
                    if (random.OneIn(4)) bytes = bytes[..random.Next(bytes.Length)];
                    else bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                }
                if (n == name && random.OneIn(10)) continue;
                using var file = copy.Create(FilePaths.Combine(Home, n));
                file.Append(bytes);
            }
            try
            {
                var found = new Model();
                using var store = Open(copy, options, found, isNew: true);
                // Everything was synced; only the last mark itself, of which nothing tells, may be taken for a torn tail.
                var last = names.Where(n => n.EndsWith(".postings", StringComparison.Ordinal)).Max();
                Assert.True(states[^1].HasSamePostings(found) || (name == last && states.Exists(s => s.HasSamePostings(found))), $"{name} of {last}");
            }
            catch (AevumException e)
            {
                Assert.True(e.Code is ErrorCode.Corruption or ErrorCode.UnsupportedFormat, e.ToString());
            }
        }
    }

    [Fact]
    public void A_posting_in_many_pieces_is_made_one_and_waste_is_given_back()
    {
        var files = new MemoryFileSystem();
        using var store = FilePostingStore.Open(files, Home, new(2_000, 4));
        store.Load(new Model());
        var changes = new PostingChanges();
        changes.Put(1, 10).Fill(1);
        changes.Put(2, 30).Fill(9);
        store.Write(changes);
        for (byte i = 2; i < 200; i++)
        {
            changes.Clear();
            if (i % 7 == 0) changes.Put(1, 10).Fill(i);
            else changes.Append(1, 10).Fill(i);
            store.Write(changes);
        }
        using var read = new PostingBytes(MemoryBudget.Unlimited());
        store.Read([2, 3, 1], read);
        read.Posting(0, out var two);
        read.Posting(1, out var none);
        var one = read.Posting(2, out var length);
        Assert.Equal((30, -1, 40), (two, none, length));
        Assert.Equal([196, 197, 198, 199], Enumerable.Range(0, 4).Select(i => (int)one[10 * i]));
        var before = files.ListFiles(Home).Sum(n => files.FileLength(FilePaths.Combine(Home, n)));
        store.Save(_ => { });
        store.Save(_ => { });
        var after = files.ListFiles(Home).Sum(n => files.FileLength(FilePaths.Combine(Home, n)));
        Assert.True(after < before / 3, $"{before} to {after}");
        store.Read([2, 1], read);
        Assert.Equal(9, read.Posting(0, out _)[29]);
    }

    [Fact]
    public void What_makes_no_sense_is_refused()
    {
        var files = new MemoryFileSystem();
        Refused(ErrorCode.InvalidArgument, () => FilePostingStore.Open(files, Home, new(0)));
        Refused(ErrorCode.InvalidArgument, () => FilePostingStore.Open(files, Home, new(100, 0)));
        var store = FilePostingStore.Open(files, Home);
        var changes = new PostingChanges();
        Refused(ErrorCode.InvalidArgument, () => store.Write(changes));
        Refused(ErrorCode.InvalidArgument, () => store.Save(_ => { }));
        Assert.Equal(ErrorCode.Locked, Assert.ThrowsAny<AevumException>(() => FilePostingStore.Open(files, Home)).Code);
        store.Load(new Model());
        Refused(ErrorCode.InvalidArgument, () => store.Load(new Model()));
        changes.Append(4, 1);
        Refused(ErrorCode.InvalidArgument, () => store.Write(changes));
        changes.Clear();
        changes.Put(4, 1);
        changes.Delete(4);
        changes.Delete(4);
        Refused(ErrorCode.InvalidArgument, () => store.Write(changes));
        Assert.Empty(store.Postings);
        store.Dispose();
        store.Dispose();
        Refused(ErrorCode.Closed, () => store.Write(new()));
        Refused(ErrorCode.Closed, () =>
        {
            using var read = new PostingBytes(MemoryBudget.Unlimited());
            store.Read([1], read);
        });
    }

    static void Refused(ErrorCode code, Action action) => Assert.Equal(code, Assert.Throws<AevumException>(action).Code);

    // Opens, and compares what is told with what the model has; a new model takes it over.
    static FilePostingStore Open(IFileSystem files, FilePostingOptions options, Model model, bool isNew = false, bool check = true)
    {
        var store = FilePostingStore.Open(files, Home, options);
        try
        {
            var told = isNew ? model : new Model();
            store.Load(told);
            if (!isNew && check) Assert.True(model.HasSamePostings(told) && model.Notes == told.Notes, "told otherwise");
            told.AssertSame(store, new(1));
            return store;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>Postings in a dictionary, and how many notes there were; its state in a save is all of it.</summary>
    sealed class Model : IPostingReplay
    {
        readonly SortedDictionary<uint, byte[]> _postings = [];

        public int Notes { get; private set; }

        public Model Copy()
        {
            var copy = new Model { Notes = Notes };
            foreach (var (number, bytes) in _postings) copy._postings[number] = bytes;
            return copy;
        }

        public bool HasSamePostings(Model other) =>
            _postings.Keys.SequenceEqual(other._postings.Keys) && _postings.All(p => p.Value.AsSpan().SequenceEqual(other._postings[p.Key]));

        /// <summary>One batch of random changes.</summary>
        /// <param name="about">Called when the model has them, before the store has.</param>
        public void Write(FilePostingStore store, SeededRandom random, Action? about = null)
        {
            var changes = new PostingChanges();
            var after = Copy();
            for (var count = random.Next(1, 5); count > 0; count--)
            {
                var number = (uint)random.Next(12);
                var bytes = new byte[random.Next(60)];
                random.Fill(bytes);
                switch (random.Next(8))
                {
                    case 0 when after._postings.ContainsKey(number):
                        changes.Delete(number);
                        after.Delete(number);
                        break;
                    case 1:
                        bytes.CopyTo(changes.Note(bytes.Length));
                        after.Note(bytes);
                        break;
                    case 2 or 3:
                        bytes.CopyTo(changes.Put(number, bytes.Length));
                        after.Put(number, bytes);
                        break;
                    default:
                        if (!after._postings.ContainsKey(number)) continue;
                        bytes.CopyTo(changes.Append(number, bytes.Length));
                        after.Append(number, bytes);
                        break;
                }
            }
            if (about is not null)
            {
                Take(after);
                about();
            }
            store.Write(changes);
            Take(after);
        }

        public void Save(FilePostingStore store) => store.Save(append =>
        {
            append(BitConverter.GetBytes(Notes));
            foreach (var (number, bytes) in _postings)
            {
                append(BitConverter.GetBytes(number));
                append(BitConverter.GetBytes(bytes.Length));
                append(bytes);
            }
        });

        public void AssertSame(FilePostingStore store, SeededRandom random)
        {
            Assert.Equal(_postings.Keys, store.Postings.Order());
            using var read = new PostingBytes(MemoryBudget.Unlimited());
            var asked = Enumerable.Range(0, 13).Select(i => (uint)i).OrderBy(_ => random.Next(100)).ToArray();
            store.Read(asked, read);
            for (var i = 0; i < asked.Length; i++)
            {
                var bytes = read.Posting(i, out var length);
                if (!_postings.TryGetValue(asked[i], out var right))
                {
                    Assert.Equal(-1, length);
                    continue;
                }
                Assert.Equal(right, new ReadOnlySpan<byte>(bytes, length).ToArray());
            }
        }

        public void State(ReadOnlySpan<byte> state)
        {
            Notes = BitConverter.ToInt32(state);
            for (state = state[4..]; state.Length > 0;)
            {
                var (number, length) = (BitConverter.ToUInt32(state), BitConverter.ToInt32(state[4..]));
                _postings[number] = state.Slice(8, length).ToArray();
                state = state[(8 + length)..];
            }
        }

        public void Put(uint posting, ReadOnlySpan<byte> bytes) => _postings[posting] = bytes.ToArray();

        public void Append(uint posting, ReadOnlySpan<byte> bytes) => _postings[posting] = [.. _postings[posting], .. bytes];

        public void Delete(uint posting) => Assert.True(_postings.Remove(posting));

        public void Note(ReadOnlySpan<byte> bytes) => Notes++;

        void Take(Model other)
        {
            _postings.Clear();
            foreach (var (number, bytes) in other._postings) _postings[number] = bytes;
            Notes = other.Notes;
        }
    }
}
