namespace Aevum.Server.Resp.Commands.Keys;

static class KeyCommands
{
    public static IEnumerable<RespCommand> Make(RespServer server) =>
    [
        new Delete("del", "1.0.0"), new Delete("unlink", "4.0.0"), new Exists("exists", "1.0.0"), new Exists("touch", "3.2.1"), new TypeOf(),
        new Expire("expire", isMilliseconds: false, isAbsolute: false), new Expire("pexpire", isMilliseconds: true, isAbsolute: false),
        new Expire("expireat", isMilliseconds: false, isAbsolute: true), new Expire("pexpireat", isMilliseconds: true, isAbsolute: true),
        new TimeToLive("ttl", isMilliseconds: false, isAbsolute: false), new TimeToLive("pttl", isMilliseconds: true, isAbsolute: false),
        new TimeToLive("expiretime", isMilliseconds: false, isAbsolute: true), new TimeToLive("pexpiretime", isMilliseconds: true, isAbsolute: true),
        new Persist(), new Rename("rename", onlyIfAbsent: false), new Rename("renamenx", onlyIfAbsent: true),
        new KeysCommand(), new DatabaseSize(), new Scan(server.NewChances()), new RandomKey(),
        new Flush(server.Databases, isAll: false), new Flush(server.Databases, isAll: true), new SwapDb(),
        new Copy(server.Databases, isMove: false), new Copy(server.Databases, isMove: true), new Migrate(),
        new ObjectCommand(), new Wait(), new Dump(), new Restore("restore"), new Restore("restore-asking"), new Sort(mayStore: true), new Sort(mayStore: false),
    ];
}
