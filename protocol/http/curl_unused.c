// What Debian's libcurl.a refers to and osiris never uses: SSH, LDAP, RTMP, Kerberos, brotli, the public suffix list,
// IDNA. As real libraries they would bring some twenty more along (Kerberos has no static archive at all), and a bare
// machine has none of them. Here each of their functions says "no" instead.
//
// None is reached: the transport allows http and https only, asks for no Negotiate or SOCKS5 GSSAPI log-in, keeps no
// cookies and accepts no compressed bodies; the exceptions are libssh2_init, which curl_global_init calls, and
// idn2_check_version, whose "no" leaves a host name as it is. A name that a later libcurl.a adds fails the link; find
// out what calls it before it is added here.
#define SAYS_NO(name)            \
  void* name(void);              \
  void* name(void) { return 0; } \
  extern void* name(void)
#define FAILS(name)                                             \
  unsigned name(void);                                          \
  unsigned name(void) { return 13u << 16; /* GSS_S_FAILURE */ } \
  extern unsigned name(void)

int libssh2_init(int flags);
int libssh2_init(int flags) { return flags & 0; }

// libssh2
SAYS_NO(libssh2_agent_connect);
SAYS_NO(libssh2_agent_disconnect);
SAYS_NO(libssh2_agent_free);
SAYS_NO(libssh2_agent_get_identity);
SAYS_NO(libssh2_agent_init);
SAYS_NO(libssh2_agent_list_identities);
SAYS_NO(libssh2_agent_userauth);
SAYS_NO(libssh2_channel_free);
SAYS_NO(libssh2_channel_read_ex);
SAYS_NO(libssh2_channel_send_eof);
SAYS_NO(libssh2_channel_wait_closed);
SAYS_NO(libssh2_channel_wait_eof);
SAYS_NO(libssh2_channel_write_ex);
SAYS_NO(libssh2_exit);
SAYS_NO(libssh2_hostkey_hash);
SAYS_NO(libssh2_knownhost_add);
SAYS_NO(libssh2_knownhost_checkp);
SAYS_NO(libssh2_knownhost_del);
SAYS_NO(libssh2_knownhost_free);
SAYS_NO(libssh2_knownhost_get);
SAYS_NO(libssh2_knownhost_init);
SAYS_NO(libssh2_knownhost_readfile);
SAYS_NO(libssh2_knownhost_writefile);
SAYS_NO(libssh2_scp_recv2);
SAYS_NO(libssh2_scp_send64);
SAYS_NO(libssh2_session_abstract);
SAYS_NO(libssh2_session_block_directions);
SAYS_NO(libssh2_session_callback_set);
SAYS_NO(libssh2_session_disconnect_ex);
SAYS_NO(libssh2_session_flag);
SAYS_NO(libssh2_session_free);
SAYS_NO(libssh2_session_handshake);
SAYS_NO(libssh2_session_hostkey);
SAYS_NO(libssh2_session_init_ex);
SAYS_NO(libssh2_session_last_errno);
SAYS_NO(libssh2_session_last_error);
SAYS_NO(libssh2_session_method_pref);
SAYS_NO(libssh2_session_set_blocking);
SAYS_NO(libssh2_sftp_close_handle);
SAYS_NO(libssh2_sftp_init);
SAYS_NO(libssh2_sftp_last_error);
SAYS_NO(libssh2_sftp_mkdir_ex);
SAYS_NO(libssh2_sftp_open_ex);
SAYS_NO(libssh2_sftp_read);
SAYS_NO(libssh2_sftp_readdir_ex);
SAYS_NO(libssh2_sftp_rename_ex);
SAYS_NO(libssh2_sftp_rmdir_ex);
SAYS_NO(libssh2_sftp_seek64);
SAYS_NO(libssh2_sftp_shutdown);
SAYS_NO(libssh2_sftp_stat_ex);
SAYS_NO(libssh2_sftp_statvfs);
SAYS_NO(libssh2_sftp_symlink_ex);
SAYS_NO(libssh2_sftp_unlink_ex);
SAYS_NO(libssh2_sftp_write);
SAYS_NO(libssh2_userauth_authenticated);
SAYS_NO(libssh2_userauth_keyboard_interactive_ex);
SAYS_NO(libssh2_userauth_list);
SAYS_NO(libssh2_userauth_password_ex);
SAYS_NO(libssh2_userauth_publickey_fromfile_ex);
SAYS_NO(libssh2_version);

// libldap, liblber
SAYS_NO(ldap_abandon_ext);
SAYS_NO(ldap_err2string);
SAYS_NO(ldap_free_urldesc);
SAYS_NO(ldap_get_attribute_ber);
SAYS_NO(ldap_get_dn_ber);
SAYS_NO(ldap_get_option);
SAYS_NO(ldap_init_fd);
SAYS_NO(ldap_memfree);
SAYS_NO(ldap_msgfree);
SAYS_NO(ldap_msgtype);
SAYS_NO(ldap_parse_result);
SAYS_NO(ldap_parse_sasl_bind_result);
SAYS_NO(ldap_pvt_url_scheme2proto);
SAYS_NO(ldap_result);
SAYS_NO(ldap_sasl_bind);
SAYS_NO(ldap_search_ext);
SAYS_NO(ldap_set_option);
SAYS_NO(ldap_start_tls);
SAYS_NO(ldap_unbind_ext);
SAYS_NO(ldap_url_parse);
SAYS_NO(ber_bvfree);
SAYS_NO(ber_free);
SAYS_NO(ber_memfree);
SAYS_NO(ber_sockbuf_add_io);

// Kerberos (GSSAPI)
extern void* GSS_C_NT_HOSTBASED_SERVICE;
void* GSS_C_NT_HOSTBASED_SERVICE;
FAILS(gss_delete_sec_context);
FAILS(gss_display_name);
FAILS(gss_display_status);
FAILS(gss_import_name);
FAILS(gss_init_sec_context);
FAILS(gss_inquire_context);
FAILS(gss_release_buffer);
FAILS(gss_release_name);
FAILS(gss_unwrap);
FAILS(gss_wrap);

// librtmp
SAYS_NO(RTMP_Alloc);
SAYS_NO(RTMP_Close);
SAYS_NO(RTMP_Connect1);
SAYS_NO(RTMP_ConnectStream);
SAYS_NO(RTMP_Free);
SAYS_NO(RTMP_Init);
SAYS_NO(RTMP_Read);
SAYS_NO(RTMP_SetBufferMS);
SAYS_NO(RTMP_SetupURL);
SAYS_NO(RTMP_Write);

// libbrotlidec
SAYS_NO(BrotliDecoderCreateInstance);
SAYS_NO(BrotliDecoderDecompressStream);
SAYS_NO(BrotliDecoderDestroyInstance);
SAYS_NO(BrotliDecoderGetErrorCode);

// libpsl, libidn2
SAYS_NO(psl_builtin);
SAYS_NO(psl_free);
SAYS_NO(psl_is_cookie_domain_acceptable);
SAYS_NO(psl_latest);
SAYS_NO(idn2_check_version);
SAYS_NO(idn2_free);
SAYS_NO(idn2_lookup_ul);

// Where the copy of libnghttp2.a prints although no caller asks it to (cmake/Archives.cmake).
extern void* osiris_unused_stderr;
void* osiris_unused_stderr;
