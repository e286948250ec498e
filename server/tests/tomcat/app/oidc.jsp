<%@ page session="false" contentType="text/plain; charset=UTF-8" trimDirectiveWhitespaces="true" import="java.util.*,org.springframework.security.core.*,org.springframework.security.core.authority.*,org.springframework.security.core.context.*,org.springframework.security.oauth2.client.authentication.*,org.springframework.security.oauth2.core.user.*,org.springframework.security.web.authentication.*" %><%
// Signs in as Spring Security does with OpenID Connect and prints the session's id.
HttpSession s = request.getSession(true);
String name = request.getParameter("user");
List<GrantedAuthority> roles = new ArrayList<>();
roles.add(new SimpleGrantedAuthority("ROLE_USER"));
Map<String, Object> claims = new LinkedHashMap<>();
claims.put("sub", "00u1");
claims.put("preferred_username", name);
claims.put("email", name + "@example.org");
OAuth2User user = new DefaultOAuth2User(roles, claims, "preferred_username");
OAuth2AuthenticationToken token = new OAuth2AuthenticationToken(user, roles, "idp");
token.setDetails(new WebAuthenticationDetails(request));
s.setAttribute("SPRING_SECURITY_CONTEXT", new SecurityContextImpl(token));
s.setAttribute("farm.who", name);
out.print(s.getId());
%>
