// SPDX-License-Identifier: Apache-2.0

#if NIO
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
#endif
