using Aevum.Core.Network;
using Aevum.Core.Tests.Files;
using Aevum.Core.Tests.Network;

namespace Aevum.Core.Tests;

/// <summary>The test assembly is also a program: tests that kill a process start it in one of these roles.</summary>
static class Program
{
    static int Main(string[] arguments)
    {
        switch (arguments)
        {
            case ["region", var path, var mapping]:
                KillTests.PublishForEver(path, mapping);
                return 0;
            case ["recording", var root, var shadow]:
                KillTests.SyncForEver(root, shadow);
                return 0;
            case ["lines", var kind, var loops]:
                LineServer.Run(Enum.Parse<NetworkKind>(kind), int.Parse(loops));
                return 0;
            default:
                Console.Error.WriteLine("run the tests with: dotnet test");
                return 2;
        }
    }
}
