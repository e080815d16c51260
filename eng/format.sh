# dev format: the formatter's rules stand in .editorconfig.

dev_format() {
    step "formatting"
    dotnet format Aevum.slnx "$@"
}
