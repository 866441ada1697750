# The C parts: BPF objects and aod-probe into build/, and the check that the TypeScript decoders agree with the contract.
CLANG ?= clang
LLVM_STRIP ?= llvm-strip
NODE ?= node
BUILD := build
TRIPLET := $(shell $(CC) -dumpmachine)
BPF_ARCH := $(if $(filter aarch64%,$(TRIPLET)),arm64,x86)
CONTRACT := $(wildcard bpf/include/*.h)
OBJECTS := smb_wire smb_trace vfs peek nfs_rpc rpc_trace contract
PROBE := $(wildcard probe/*.c probe/*/*.c)
PROBE_HEADERS := $(wildcard probe/*.h probe/*/*.h)

BPF_CFLAGS := -g -O2 -mcpu=v3 -target bpf -D__TARGET_ARCH_$(BPF_ARCH) -Wall -Wextra -Werror -Wno-unused-parameter -Ibpf/include -I/usr/include/$(TRIPLET)
CFLAGS := -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter -Wno-missing-field-initializers -Ibpf/include -Iprobe
LIBS := $(shell pkg-config --static --libs libbpf libelf)

all: $(OBJECTS:%=$(BUILD)/bpf/%.bpf.o) $(BUILD)/aod-probe $(BUILD)/decoders.ok

$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c $(CONTRACT) Makefile
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -c $< -o $@
	$(LLVM_STRIP) -g $@

$(BUILD)/aod-probe: $(PROBE) $(PROBE_HEADERS) $(CONTRACT) Makefile
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -static $(PROBE) $(LIBS) -o $@

# The committed decoders must be what the contract's BTF gives; "make decoders" writes them anew.
$(BUILD)/decoders.ok: $(BUILD)/bpf/contract.bpf.o scripts/gen-decoders.ts scripts/gen-decoders-emit.ts src/probe/decoders.gen.ts
	$(NODE) scripts/gen-decoders.ts --check
	@touch $@

decoders: $(BUILD)/bpf/contract.bpf.o
	$(NODE) scripts/gen-decoders.ts

clean:
	rm -rf $(BUILD)/bpf $(BUILD)/aod-probe $(BUILD)/decoders.ok

.PHONY: all clean decoders
