import { PROGRAM_NAME } from '../program-name.js';
import { textArgument, type Verb } from '../verb.js';
import { COMPLETE } from './complete.js';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

const FUNCTION = '_nestjs_dispatcher';

const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `${FUNCTION}() {
  local IFS=$'\\n'
  COMPREPLY=( $("\${COMP_WORDS[0]}" ${COMPLETE} "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null) )
}
complete -o default -F ${FUNCTION} ${PROGRAM_NAME}`,
  zsh: `#compdef ${PROGRAM_NAME}
${FUNCTION}() {
  local -a found
  found=("\${(@f)$("\${words[1]}" ${COMPLETE} "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${found[1]}" ]]; then compadd -- "\${found[@]}"; else _files; fi
}
compdef ${FUNCTION} ${PROGRAM_NAME}`,
  fish: `function ${FUNCTION}
  set -l words (commandline -opc) (commandline -ct)
  $words[1] ${COMPLETE} $words[2..-1] 2>/dev/null
end
complete -c ${PROGRAM_NAME} -a '(${FUNCTION})'`,
};

export const completion: Verb = {
  name: 'completion',
  summary: 'print what completes this program in a shell',
  notes: ['It needs the program under its own name: npm install -g nestjs-dispatcher, or node_modules/.bin in PATH.'],
  arguments: [{ name: '<shell>', about: 'which one', choices: SHELLS }],
  offline: true,
  examples: [
    ['completion bash >> ~/.bashrc', 'in bash'],
    ['completion zsh > "${fpath[1]}/_nestjs-dispatcher"', 'in zsh'],
    ['completion fish > ~/.config/fish/completions/nestjs-dispatcher.fish', 'in fish'],
  ],
  run: (_context, call) => {
    const shell = textArgument(call, 0) as Shell;
    return Promise.resolve({ data: { shell, script: SCRIPTS[shell] }, text: SCRIPTS[shell] });
  },
};
