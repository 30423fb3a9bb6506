// SPDX-License-Identifier: Apache-2.0

#if NIO
/// How a ``NIOTransport`` connects and what it bounds. The defaults suit the real service.
public struct NIOTransportConfiguration: Sendable {
  /// TLS, for endpoints that use it.
  public var tls = TLS()
  /// Name resolution.
  public var resolver = Resolver()
  /// A proxy through which every connection goes; none by default.
  public var proxy: Proxy?
  /// Headers that are added to each upgrade. One that the credential itself needs, such as
  /// `Authorization` with an access token, fails the dial.
  public var extraHeaders: [Header] = []
  /// Sizes and times of open connections.
  public var limits = Limits()

  /// The documented defaults.
  public init() {}

  /// How a server proves who it is. TLS 1.2 is the least that is spoken.
  public struct TLS: Sendable {
    /// Which authorities are trusted. Default: the host's.
    public var trustRoots = TrustRoots.system
    /// What of the certificate is checked. Default: everything.
    public var verification = Verification.full

    /// The documented defaults.
    public init() {}

    /// Which authorities are trusted.
    public struct TrustRoots: Sendable {
      enum Kind {
        case system
        case file(String)
        case pem([UInt8])
      }
      let kind: Kind
      /// The authorities that the host trusts.
      public static let system = TrustRoots(kind: .system)
      /// The certificates in a PEM file or a directory of them.
      public static func file(_ path: String) -> TrustRoots { TrustRoots(kind: .file(path)) }
      /// Certificates in PEM form.
      public static func pem(_ bytes: [UInt8]) -> TrustRoots { TrustRoots(kind: .pem(bytes)) }
    }

    /// What of the certificate is checked.
    public struct Verification: Sendable, Hashable {
      enum Kind {
        case full, chainOnly, nothing
      }
      let kind: Kind
      /// The chain, and that it names the host.
      public static let full = Verification(kind: .full)
      /// The chain alone, for tests against hosts by another name.
      public static let chainOnly = Verification(kind: .chainOnly)
      /// Nothing. Whoever sits in between can read and change everything, credentials included.
      public static let nothing = Verification(kind: .nothing)
    }
  }

  /// Name resolution: answers are kept, used at once, and refreshed beside the dials that use them.
  public struct Resolver: Sendable, Hashable {
    /// After how long an answer that is used is asked for anew, in the background. Default 30 s.
    public var refreshAfter: Duration = .seconds(30)
    /// For how long an answer serves if it cannot be refreshed. Default 10 min. Afterwards a dial
    /// waits for the resolver.
    public var keepFor: Duration = .seconds(600)
    /// Names kept at once; a transport speaks to few. Default 64.
    public var maxNames = 64

    /// The documented defaults.
    public init() {}
  }

  /// An HTTP proxy that is asked for a tunnel with `CONNECT`. TLS is spoken through the tunnel.
  public struct Proxy: Sendable {
    /// Host name or address of the proxy.
    public var host: String
    /// Its TCP port.
    public var port: Int
    /// `user:password` for basic authorisation, if the proxy asks for it.
    public var credentials: Secret?

    /// Makes a proxy from its address.
    public init(host: String, port: Int, credentials: Secret? = nil) {
      self.host = host
      self.port = port
      self.credentials = credentials
    }
  }

  /// A header field that is added to each upgrade.
  public struct Header: Sendable, Hashable {
    /// The field's name.
    public let name: String
    /// Its value.
    public let value: String

    /// Makes a header; nil if the name is no token, belongs to the upgrade or the credential
    /// itself, or the value holds control characters.
    public init?(name: String, value: String) {
      let own = ["host", "upgrade", "connection", "x-goog-api-key", "content-length"]
      let lower = name.lowercased()
      guard UpgradeRequest.isOneWord(name), !name.contains(":"), !own.contains(lower),
        !lower.hasPrefix("sec-websocket-"), value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
      else { return nil }
      self.name = name
      self.value = value
    }
  }

  /// Sizes and times of open connections.
  public struct Limits: Sendable, Hashable {
    /// Most bytes of one inbound frame. Default 64 MiB, as for messages; at most 1 GiB.
    public var maxFrame = 64 << 20
    /// Most bytes of one inbound message over all its frames. Default 64 MiB; at most 1 GiB. Beyond
    /// it the connection fails with ``TransportError/Code/protocolViolation``.
    public var maxMessage = 64 << 20
    /// Outbound bytes above which a connection says that it is not writable. Default 256 KiB.
    public var writeHighWatermark = 256 << 10
    /// Outbound bytes below which it says that it is writable again. Default 64 KiB.
    public var writeLowWatermark = 64 << 10
    /// Outbound bytes at which a connection is given up, the largest message among them not counted:
    /// it may be of any size. Default 16 MiB.
    public var maxUnflushed = 16 << 20
    /// How long outbound bytes may wait without the peer taking any before the connection is given
    /// up. Default 60 s. On Linux the kernel is told the same of what it holds itself.
    public var maxUnflushedAge: Duration = .seconds(60)
    /// How long a close frame may go unanswered before the connection is dropped. Default 2 s.
    public var closeTimeout: Duration = .seconds(2)

    /// The documented defaults.
    public init() {}
  }
}
#endif
