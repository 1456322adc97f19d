# Completion of slipway for fish. Install it as slipway.fish in a directory of $fish_complete_path, or put
#   slipway completion fish | source
# into ~/.config/fish/config.fish. What may come next is asked of the program itself.
function __slipway_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in ($words[1] __complete $words[2..-1] 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path (commandline -ct)
            case ':directories'
                __fish_complete_directories (commandline -ct)
            case '*'
                printf '%s\n' $line
        end
    end
end
complete -c slipway -f -a '(__slipway_complete)'
