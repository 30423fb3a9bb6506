// SPDX-License-Identifier: Apache-2.0

#if NIO
/// A certificate for `localhost` and its addresses, and its key, for servers of the tests. It
/// protects nothing, and nothing but the tests trusts it.
enum TestCertificate {
  static let key = """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg2l6sRKZCaHiygoRv
    90ByDeYU+h1YbZlgUff1qHrDqWyhRANCAATQ6v//S5LXoiWT2JOXAtP9SvOUWzXQ
    96VCegY+T+3bcygHVjUjUnTT9P5TjhvDFWovpLBYb8U7Cj3u6ADUzQcH
    -----END PRIVATE KEY-----
    """

  static let certificate = """
    -----BEGIN CERTIFICATE-----
    MIIBhjCCASygAwIBAgICEAEwCgYIKoZIzj0EAwIwGjEYMBYGA1UEAwwPTGl2ZUJy
    b2tlciB0ZXN0MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAaMRgw
    FgYDVQQDDA9MaXZlQnJva2VyIHRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
    AATQ6v//S5LXoiWT2JOXAtP9SvOUWzXQ96VCegY+T+3bcygHVjUjUnTT9P5TjhvD
    FWovpLBYb8U7Cj3u6ADUzQcHo2AwXjAsBgNVHREEJTAjgglsb2NhbGhvc3SHBH8A
    AAGHEAAAAAAAAAAAAAAAAAAAAAEwDwYDVR0TAQH/BAUwAwEB/zAdBgNVHQ4EFgQU
    gm62rrSrhSsk0eIUsxgylM4q1dswCgYIKoZIzj0EAwIDSAAwRQIhAOh4hF3t3Obz
    nCuEhq0NlRAf9xmn2HZUxwX+9rPlImMzAiAgmw1kZtk9oCOYNP4b0QXu8P2cUC14
    73taw7nYKr0k5A==
    -----END CERTIFICATE-----
    """
}
#endif
