// SPDX-License-Identifier: Apache-2.0

#if NIO
internal import NIOCore
internal import NIOSSL

extension NIOTransportConfiguration.TLS {
  /// These settings as NIOSSL takes them.
  func clientConfiguration() throws -> TLSConfiguration {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.minimumTLSVersion = .tlsv12
    switch trustRoots.kind {
    case .system: configuration.trustRoots = .default
    case .file(let path): configuration.trustRoots = .file(path)
    case .pem(let bytes):
      configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(bytes))
    }
    switch verification.kind {
    case .full: configuration.certificateVerification = .fullVerification
    case .chainOnly: configuration.certificateVerification = .noHostnameVerification
    case .nothing: configuration.certificateVerification = .none
    }
    return configuration
  }
}

/// Whether a certificate is for a host, which is a name or an address.
///
/// NIOSSL also takes a certificate for the address at the other end of the socket. Whoever can forge
/// an answer of the resolver, and every proxy, can have one of those; so what was asked for must be
/// proven, and nothing else will do.
enum CertificateName {
  static func isProven(_ host: String, by certificate: NIOSSLCertificate) -> Bool {
    if let address = try? SocketAddress(ipAddress: host, port: 0) {
      return certificate._subjectAlternativeNames().contains { name in
        guard name.nameType == .ipAddress else { return false }
        let packed = ByteBuffer(bytes: Array(name.contents))
        let proven = try? SocketAddress(packedIPAddress: packed, port: 0)
        return proven?.ipAddress == address.ipAddress
      }
    }
    let host = labels(host)
    for name in certificate._subjectAlternativeNames() where name.nameType == .dnsName {
      if matches(labels(String(decoding: name.contents, as: UTF8.self)), host) { return true }
    }
    return false
  }

  private static func labels(_ name: String) -> [String] {
    let name = name.hasSuffix(".") ? String(name.dropLast()) : name
    return name.lowercased().split(separator: ".", omittingEmptySubsequences: false)
      .map(String.init)
  }

  /// A star stands for the whole first label, and not before a top-level domain (RFC 6125, 6.4.3).
  static func matches(_ pattern: [String], _ host: [String]) -> Bool {
    guard pattern.count == host.count, !pattern.isEmpty, pattern.allSatisfy({ !$0.isEmpty }) else {
      return false
    }
    if pattern == host { return true }
    return pattern[0] == "*" && pattern.count > 2 && pattern.dropFirst() == host.dropFirst()
  }
}
#endif
