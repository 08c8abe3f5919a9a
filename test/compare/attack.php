<?php
// A tenant's script: makes the attack that it is told to and says 0 if it worked. What PHP itself
// can do it does itself; the rest is its program's (test/hostile/doubles/hostile_program.cc).
[$name, $argument, $more] = explode(' ', strtr($_SERVER['QUERY_STRING'], '+', ' ')) + ['', '-', ''];
switch ($name) {
    case 'php_read_file':
        $text = @file_get_contents($argument);
        echo $text === false ? 1 : 0, "\n", $text;
        break;
    case 'php_include':
        $password = null;
        @include $argument;
        echo $password === null ? 1 : 0, "\n";
        break;
    case 'php_list_cached_scripts':
        $status = function_exists('opcache_get_status') ? @opcache_get_status(true) : false;
        echo isset($status['scripts'][$argument]) ? 0 : 1, "\n";
        break;
    case 'php_store':
        echo function_exists('apcu_store') && apcu_store($argument, 'secret') ? 0 : 1, "\n";
        break;
    case 'php_fetch':
        echo function_exists('apcu_fetch') && apcu_fetch($argument) === 'secret' ? 0 : 1, "\n";
        break;
    case 'php_log':
        error_log("harmless\n" . $argument . ' is a line that nobody has logged');
        echo "0\n";
        break;
    case 'hold':  // what the program has got, until it is told to let go
        $said = __DIR__ . '/held';
        @unlink($said);
        $call = __DIR__ . '/attack ' . escapeshellarg($argument) . ' ' . escapeshellarg($more);
        $pid = exec("$call stay >$said 2>&1 & echo $!");
        for ($i = 0; $i < 600 && trim((string) @file_get_contents($said)) === ''; ++$i) usleep(50000);
        echo "0\n$pid\n";
        break;
    case 'let_go':
        exec('kill ' . escapeshellarg($argument));
        echo "0\n";
        break;
    default:
        passthru(__DIR__ . '/attack ' . escapeshellarg($name) . ' ' . escapeshellarg($argument));
}
