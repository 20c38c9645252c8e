// What Debian's libpq.a refers to and osiris never uses: Kerberos, which has no static archive at all, and LDAP, where
// libpq can look up a service's address. Each of their functions says "no" here.
//
// None is reached by a connection that works: it is made with gssencmode=disable and without a service file. A server
// that insists on a GSSAPI log-in meets these, and the log-in fails. A name that a later libpq.a adds fails the link;
// find out what calls it before it is added here. The symbols are weak: a program that is linked with libcurl too has
// some of them twice (protocol/http/curl_unused.c), and they say the same.
#define WEAK __attribute__((weak))
#define SAYS_NO(name)                 \
  WEAK void* name(void);              \
  WEAK void* name(void) { return 0; } \
  extern void* name(void)
#define FAILS(name)                                                  \
  WEAK unsigned name(void);                                          \
  WEAK unsigned name(void) { return 13u << 16; /* GSS_S_FAILURE */ } \
  extern unsigned name(void)

// libgssapi_krb5
extern void* GSS_C_NT_HOSTBASED_SERVICE;
WEAK void* GSS_C_NT_HOSTBASED_SERVICE = 0;
FAILS(gss_acquire_cred);
FAILS(gss_delete_sec_context);
FAILS(gss_display_status);
FAILS(gss_import_name);
FAILS(gss_init_sec_context);
FAILS(gss_release_buffer);
FAILS(gss_release_cred);
FAILS(gss_release_name);
FAILS(gss_unwrap);
FAILS(gss_wrap);
FAILS(gss_wrap_size_limit);

// libldap
SAYS_NO(ldap_count_entries);
SAYS_NO(ldap_err2string);
SAYS_NO(ldap_first_entry);
SAYS_NO(ldap_get_values_len);
SAYS_NO(ldap_init);
SAYS_NO(ldap_msgfree);
SAYS_NO(ldap_result);
SAYS_NO(ldap_search_st);
SAYS_NO(ldap_set_option);
SAYS_NO(ldap_simple_bind);
SAYS_NO(ldap_unbind);
SAYS_NO(ldap_value_free_len);
