// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveEmulator
import NIOCore
import NIOPosix
import NIOSSL
import Testing

@testable import LiveBroker

/// A client's end of a real connection to a server on this host.
struct LoopbackPeer {
  private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
  private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
  private var unread: [UInt8] = []

  /// Connects, runs `body`, and closes.
  static func connect<Result>(
    to server: EmulatorServer, trusting certificate: String? = nil,
    _ body: (inout LoopbackPeer) async throws -> Result
  ) async throws -> Result {
    let tls = try certificate.map { pem in
      var configuration = TLSConfiguration.makeClientConfiguration()
      configuration.trustRoots = .certificates(
        try NIOSSLCertificate.fromPEMBytes(Array(pem.utf8)))
      return try NIOSSLContext(configuration: configuration)
    }
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connectTimeout(.nanoseconds(Duration.unhurried.nanoseconds))
      .connect(host: "127.0.0.1", port: server.port) { channel in
        channel.eventLoop.makeCompletedFuture {
          if let tls {
            try channel.pipeline.syncOperations.addHandler(
              NIOSSLClientHandler(context: tls, serverHostname: "localhost"))
          }
          return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
            wrappingChannelSynchronously: channel)
        }
      }
    return try await channel.executeThenClose { inbound, outbound in
      var peer = LoopbackPeer(inbound: inbound.makeAsyncIterator(), outbound: outbound)
      return try await body(&peer)
    }
  }

  func write(_ bytes: [UInt8]) async throws {
    try await outbound.write(ByteBuffer(bytes: bytes))
  }

  func send(_ frame: RawFrame) async throws { try await write(frame.masked) }

  /// More bytes; false at the connection's end.
  private mutating func read() async throws -> Bool {
    guard let bytes = try await inbound.next(isolation: #isolation) else { return false }
    unread.append(contentsOf: bytes.readableBytesView)
    return true
  }

  /// Sends a request and gives all that comes until the server closes.
  mutating func exchange(_ head: String, body: String = "") async throws -> String {
    try await write(RawHTTP.request(head, body: body))
    while try await read() {}
    defer { unread = [] }
    return String(decoding: unread, as: UTF8.self)
  }

  /// Opens a WebSocket on this connection; gives the answer's head.
  mutating func upgrade(_ target: String) async throws -> String {
    try await write(RawHTTP.upgrade(target))
    while !String(decoding: unread, as: UTF8.self).contains("\r\n\r\n") {
      try #require(try await read(), "the connection ended")
    }
    let (head, rest) = RawHTTP.split(unread)
    unread = rest
    return head
  }

  /// The next frame that fits; others before it are skipped.
  mutating func next(where fits: (RawFrame) -> Bool) async throws -> RawFrame {
    while true {
      let (frames, rest) = try RawFrame.parse(unread)
      if let index = frames.firstIndex(where: fits) {
        unread = frames[(index + 1)...].flatMap(\.unmasked) + rest
        return frames[index]
      }
      unread = rest
      try #require(try await read(), "the connection ended")
    }
  }

  /// Whether the server ended the connection, whatever came before.
  mutating func ends() async throws {
    while (try? await read()) == true { unread = [] }
  }
}

extension RawFrame {
  /// As a server sends it.
  fileprivate var unmasked: [UInt8] {
    var bytes = masked
    let header = bytes.count - payload.count
    bytes[1] &= 0x7F
    return Array(bytes[..<(header - 4)]) + payload
  }
}

/// A certificate for `localhost` and `127.0.0.1` that signs itself, made for these tests alone, and its
/// key, which therefore protects nothing.
enum TestIdentity {
  static let certificate = """
    -----BEGIN CERTIFICATE-----
    MIIBnDCCAUGgAwIBAgIUbA1qmARX/OW+a5L4Vjorp8eYr4MwCgYIKoZIzj0EAwIw
    FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTA1MzMyM1oYDzIxMjYxMDI4
    MDUzMzIzWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
    PQMBBwNCAAQBumh1iJBpTiAaQZ+t9vyYol3mierNR/HQHjy2hmBhfP22br4jK4k1
    rxOWcrABa0okbMu327hRkwvAjBinuMAEo28wbTAdBgNVHQ4EFgQUOiyrlf2qqFHa
    RIv2uV55s2FsEtMwHwYDVR0jBBgwFoAUOiyrlf2qqFHaRIv2uV55s2FsEtMwDwYD
    VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
    zj0EAwIDSQAwRgIhANkcxG9NIJ4xpRcrWiPcj8RYiaqHdRhMNWnm1ZqCJuBsAiEA
    u4h8mnkwV9LVLaMmyM09v78bKD9XHFyLHzmZGaUshPY=
    -----END CERTIFICATE-----
    """

  static let key = """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgfYasp79SOJBUzgFY
    9+8n7bmxs0AG4XKFaf+4UaeAHLyhRANCAAQBumh1iJBpTiAaQZ+t9vyYol3mierN
    R/HQHjy2hmBhfP22br4jK4k1rxOWcrABa0okbMu327hRkwvAjBinuMAE
    -----END PRIVATE KEY-----
    """

  static let pem = ServerIdentity.pem(certificateChain: certificate, privateKey: Secret(key))
}
#endif
