/* Texts and a document that are larger than the ABI allows. */
#include "base.h"
static osiris_status the_sin(osiris_adapter* self, const osiris_request* request) {
  const size_t document_bytes = (64u << 20) + 1;
  char* text = (char*)malloc(document_bytes + 1);
  osiris_str document;
  memset(text, 'x', document_bytes);
  text[(16 << 20) + 1] = 0;
  tell_log(self->host, OSIRIS_INFO, text);
  memset(text, ' ', document_bytes);
  text[0] = '{';
  text[document_bytes - 1] = '}';
  document.data = text;
  document.len = document_bytes;
  self->host->deliver(self->host, "result", document);
  free(text);
  return good_execute(self, request);
}
#undef EXECUTE
#define EXECUTE the_sin
DEFECT_MODULE
