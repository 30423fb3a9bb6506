// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import NIOCore
import NIOHTTP1
import NIOSSL

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// What stands in a connection's pipeline at its beginning: tap, TLS, HTTP.
enum ServerPipeline {
  /// The system's number for a port that another process has.
  static let addressInUse = EADDRINUSE

  static func fill(_ channel: any Channel, _ core: ServerCore, _ tls: ServerTLS?) throws {
    let tap = SocketTap(core)
    let pipeline = channel.pipeline.syncOperations
    try pipeline.addHandler(tap)
    guard core.opened(tap) else { return tap.cut() }
    if core.draws(core.configuration.faults.stalledConnects) {
      core.gauge.change { $0.stalled += 1 }
      core.tell(.stalled(what: "a connection"))
      return try pipeline.addHandler(SilentHandler())
    }
    if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls.context)) }
    try pipeline.addHandlers([
      HTTPResponseEncoder(),
      ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes)),
      HTTPFront(core: core, tap: tap),
    ])
    core.waits(tap)
  }
}

/// A server's identity, read and checked.
struct ServerTLS {
  let context: NIOSSLContext

  init(_ identity: ServerIdentity) throws(EmulatorServerError) {
    var configuration: TLSConfiguration
    do {
      switch identity {
      case .files(let chain, let key):
        configuration = .makeServerConfiguration(
          certificateChain: try Self.reading(chain) {
            try NIOSSLCertificate.fromPEMFile(chain).map { .certificate($0) }
          },
          privateKey: .privateKey(
            try Self.reading(key) { try NIOSSLPrivateKey(file: key, format: .pem) }))
      case .pem(let chain, let key):
        configuration = .makeServerConfiguration(
          certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(chain.utf8))
            .map { .certificate($0) },
          privateKey: .privateKey(
            try key.withUnsafeBytes { try NIOSSLPrivateKey(bytes: Array($0), format: .pem) }))
      }
      configuration.minimumTLSVersion = .tlsv12
      configuration.applicationProtocols = ["http/1.1"]
      context = try NIOSSLContext(configuration: configuration)
    } catch let error as EmulatorServerError {
      throw error
    } catch {
      throw EmulatorServerError(
        .identity, "Certificate and private key do not fit together, or are not valid.")
    }
  }

  /// Names the file in the error: TLS libraries do not.
  private static func reading<Result>(
    _ path: String, _ read: () throws -> Result
  ) throws(EmulatorServerError) -> Result {
    do { return try read() } catch {
      throw EmulatorServerError(.identity, "Cannot read '\(path)' as PEM.")
    }
  }
}
#endif
