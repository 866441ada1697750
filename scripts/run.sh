#!/bin/sh
# run.sh TASK [ARG...]: what every `npm run` calls. Does the set-up that the task needs, skipping what is there, then the task.
# After the set-up nothing goes through npm: tools are started by their path in node_modules, under the Node that is there.
set -eu
cd "$(dirname "$0")/.."
. scripts/steps.sh
. scripts/setup.sh

task=${1:-}
[ "$task" ] || fail "no task given" "Tasks: demo test test:full lab bench fuzz build check format"
shift

# What the task needs: node | native (make) | bundle | lab (its Debian packages) | kernels (the lab's; `lab` fetches what it boots).
case $task in
  check | format | fuzz) needs="node" ;;
  build) needs="node native bundle" ;;
  lab) needs="node native bundle lab" ;;
  demo | test | test:full | bench) needs="node native bundle lab kernels" ;;
  *) fail "there is no task '$task'" "Tasks: demo test test:full lab bench fuzz build check format" ;;
esac
if [ "$task" = test ] || [ "$task" = test:full ]; then
  for option in "$@"; do
    case $option in
      --no-lab) needs="node native bundle" ;;
      --unit) needs="node" ;;
    esac
  done
fi
has() { case " $needs " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }

arch=$(npm_arch)
node=$PWD/node_modules/node-linux-$arch/bin/node
# test:full boots every kernel that the lab knows: no name means all.
kernel_versions=${AOD_KERNELS:-6.1 6.12}
if [ "$task" = test:full ]; then kernel_versions=; fi
mkdir -p build/log

# One set-up at a time in one tree.
exec 9>build/setup.lock
flock -n 9 || {
  echo "Another set-up runs in this tree: waiting for it"
  flock 9
}

package_lists=scripts/packages-node.txt
if has native; then package_lists="$package_lists scripts/packages.txt"; fi
if has lab && [ -e lab/packages.txt ]; then package_lists="$package_lists lab/packages.txt"; fi
if [ "$task" = bench ]; then package_lists="$package_lists bench/packages.txt"; fi

for need in node native bundle kernels; do
  if has "$need"; then step_count=$((step_count + 1)); fi
done
# shellcheck disable=SC2086 # a list of files
debian_packages $package_lists
step "npm packages" npm_packages
if has native; then step "BPF objects, aod-probe" native; fi
if has bundle; then step "bundle" bundle; fi
if has kernels; then step "lab kernels" kernels "$kernel_versions"; fi
flock -u 9
exec 9>&-

tsc() { "$node" node_modules/typescript/bin/tsc "$@"; }
biome() { "$node" node_modules/@biomejs/biome/bin/biome "$@"; }
check() {
  tsc -p .
  biome check .
}

case $task in
  build) echo "Built. Start it: bin/aod --help" ;;
  check) check ;;
  format) biome check --write . ;;
  test) exec "$node" scripts/test.ts "$@" ;;
  test:full) AOD_TEST_FULL=1 exec "$node" scripts/test.ts "$@" ;;
  lab) exec "$node" lab/main.ts "$@" ;;
  demo) exec "$node" lab/main.ts demo "$@" ;;
  bench) exec "$node" bench/main.ts "$@" ;;
  fuzz) exec "$node" scripts/fuzz.ts "$@" ;;
esac
