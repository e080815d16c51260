Console.Error.WriteLine("aevum: no command is built yet.");
return 64;
