# dev pack: the packages of the embedded database, in artifacts/packages; and a new program made with nothing but them, which must run.

. eng/setup.sh

dev_pack() {
    dev_setup build
    pack_packages
    try_packages
}

pack_packages() {
    rm -rf artifacts/packages
    mkdir -p artifacts/packages artifacts/logs
    local project
    for project in Core Model Storage Vectors Engine Database; do
        step "packing Aevum.$project"
        patiently "packing" artifacts/logs/pack.log dotnet pack "src/Aevum.$project" -c Release -o artifacts/packages --nologo -v quiet \
            || { cat artifacts/logs/pack.log >&2; fail "packing Aevum.$project failed"; }
    done
}

# As somebody would who has only read the page: a console program, the package, the first recipe of the cookbook.
try_packages() {
    local folder log=$PWD/artifacts/logs/consumer.log
    folder=$(mktemp -d)
    step "a new program with the package"
    cat >"$folder/Program.csproj" <<'PROJECT'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <Nullable>enable</Nullable>
    <ImplicitUsings>enable</ImplicitUsings>
    <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Aevum.Database" Version="0.1.0-dev" />
  </ItemGroup>
</Project>
PROJECT
    cat >"$folder/nuget.config" <<CONFIG
<configuration>
  <packageSources><clear /><add key="here" value="$PWD/artifacts/packages" /></packageSources>
  <config><add key="globalPackagesFolder" value="$folder/packages" /></config>
</configuration>
CONFIG
    {
        echo 'using System.Text;'
        echo 'using Aevum;'
        echo 'var folder = Path.Combine(AppContext.BaseDirectory, "data");'
        sed -n '/^```csharp$/,/^```$/p' docs/cookbook.md | sed '1d; /^```$/,$d'
        echo 'Console.WriteLine(Encoding.UTF8.GetString(name!));'
    } >"$folder/Program.cs"
    (cd "$folder" && patiently "running" "$log" dotnet run --project Program.csproj) || { cat "$log" >&2; fail "the program did not run"; }
    [ "$(tail -n 1 "$log")" = Ada ] || { cat "$log" >&2; fail "the program said something else"; }
    rm -rf "$folder"
    step "artifacts/packages holds $(ls artifacts/packages | wc -l) packages; a new program runs with them"
}
