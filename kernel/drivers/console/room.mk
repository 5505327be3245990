# The console's font, fetched from Debian at build time (its licence, SIL OFL 1.1, lets it be bundled and asks that the notice stay).

$(KGEN)/font_data.h: tools/mkfont.py
	@echo "  FONT $@"
	@python3 tools/mkfont.py $@
KGEN_DONE += $(KGEN)/font_data.h
