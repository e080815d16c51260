// Code that breaks every rule of BannedCall, compiled into the test assembly and scanned there. None of it is ever called.

using System.Diagnostics;
using System.IO.MemoryMappedFiles;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Aevum.Architecture.Tests.Fixtures;

static class Violations
{
    public static object[] Scheduling() =>
    [
        Task.Run(() => { }), Task.Delay(1), Task.Factory.StartNew(() => { }, default, default, TaskScheduler.Default),
        Task<int>.Factory.StartNew(() => 1, default, default, TaskScheduler.Default), Parallel.For(0, 1, _ => { }),
        new Thread(() => { }), ThreadPool.QueueUserWorkItem(_ => { }), new Timer(_ => { }), new PeriodicTimer(TimeSpan.FromSeconds(1)),
        new System.Timers.Timer(),
    ];

    public static void Waiting(TimeProvider time, CancellationTokenSource source)
    {
        Thread.Sleep(1);
        time.CreateTimer(_ => { }, null, TimeSpan.Zero, TimeSpan.Zero).Dispose();
        source.CancelAfter(1);
    }

    public static object[] Time() =>
        [DateTime.Now, DateTime.UtcNow, DateTime.Today, DateTimeOffset.Now, DateTimeOffset.UtcNow, TimeProvider.System, Environment.TickCount64];

    // A field, not a call: reading it is a use too.
    public static long Frequency() => Stopwatch.Frequency;

    public static object[] Chance() => [Random.Shared, Guid.NewGuid(), RandomNumberGenerator.GetInt32(2)];

    public static object[] Files(SafeHandle handle) =>
    [
        File.Exists("x"), Directory.Exists("x"), new FileStream("x", FileMode.Open), new FileInfo("x"), new DirectoryInfo("x"), new DriveInfo("/"),
        RandomAccess.GetLength((Microsoft.Win32.SafeHandles.SafeFileHandle)handle), new FileSystemWatcher(), new StreamReader("x"),
        new StreamWriter("x"), MemoryMappedFile.CreateFromFile("x"),
    ];

    public static object[] Outside() =>
    [
        new Socket(SocketType.Stream, ProtocolType.Tcp), new TcpClient(), new TcpListener(default!, 1), new UdpClient(),
        NativeLibrary.Load("x"),
    ];

    public static void Talk() => Console.WriteLine("x");

    [DllImport("libc", EntryPoint = "getpid")]
    public static extern int ProcessId();
}

static class HiddenViolations
{
    public static Func<DateTime> InALambda() => () => DateTime.UtcNow;

    public static async Task<DateTime> InAnAsyncMethod(Task first)
    {
        await first;
        return DateTime.UtcNow;
    }

    public static IEnumerable<DateTime> InAnIterator()
    {
        yield return DateTime.UtcNow;
    }

    public static Func<int, Task> AsAMethodGroup() => Task.Delay;

    // A switch instruction has an operand of varying length; a scanner that misjudges it reads garbage from here on.
    public static DateTime AfterASwitch(int value)
    {
        var days = value switch { 0 => 5.5, 1 => 7.25, 2 => 1e300, 3 => 12, 4 => 13.5, 5 => long.MaxValue, _ => 0 };
        return DateTime.UtcNow.AddDays(days);
    }

    public static T InAGenericMethod<T>(Func<DateTime, T> use) => use(DateTime.UtcNow);
}

static class Innocent
{
    // Words in text and comments are no calls: Task.Run, DateTime.UtcNow, new Random().
    public static string Text() => string.Concat("DateTime.UtcNow and File.", nameof(File.Delete));

    public static DateTimeOffset Injected(TimeProvider time) => time.GetUtcNow() + new DateTime(2026, 1, 1).TimeOfDay;

    public static string Join() => Path.Combine("a", Task.CompletedTask.Status.ToString(), Thread.CurrentThread.Name ?? "");
}
